package io.metafabric.core.record;

import org.jspecify.annotations.Nullable;

/**
 * One key's state: its header, and the payload where it is held. Immutable.
 *
 * @param payload null if the payload is held elsewhere, or for a tombstone
 */
public record MetadataRecord(Key key, Header header, @Nullable Bytes payload) {
  public MetadataRecord {
    if (payload != null && !header.describes(payload)) {
      throw new IllegalArgumentException(
          "the payload of " + key + " (" + payload + ") is not the one its header describes");
    }
  }

  public MetadataRecord withoutPayload() {
    return payload == null ? this : new MetadataRecord(key, header, null);
  }

  public MetadataRecord withHeader(Header next) {
    return new MetadataRecord(key, next, payload);
  }
}
