package io.metafabric.core.record;

import org.jspecify.annotations.Nullable;

/**
 * One of several concurrent writes of a key, none of which had seen another. Immutable.
 *
 * @param payload null if it is held elsewhere, or for a tombstone
 */
public record Sibling(Header header, @Nullable Bytes payload) {
  public Sibling {
    if (payload != null && !header.describes(payload)) {
      throw new IllegalArgumentException(
          "the payload " + payload + " is not the one that its header describes");
    }
  }

  public Sibling withoutPayload() {
    return payload == null ? this : new Sibling(header, null);
  }
}
