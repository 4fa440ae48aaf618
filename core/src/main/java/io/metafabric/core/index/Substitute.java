package io.metafabric.core.index;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import org.jspecify.annotations.Nullable;

/**
 * What may be shown, as superseded, until the payload of a key's newest write can be read.
 * Immutable.
 *
 * @param newest of a value whose payload is not here
 * @param since the newest write of the key whose payload has been here, or that removed it: nothing
 *     older is shown. Null if neither is known
 * @param held an older write with its payload; null if there is none here
 */
public record Substitute(Header newest, @Nullable Dot since, @Nullable MetadataRecord held) {
  /**
   * Whether readers may see another write's value, as superseded.
   *
   * @param nowMs epoch milliseconds
   */
  public boolean allows(MetadataRecord other, long nowMs) {
    return other.payload() != null
        && other.header().isVisibleAt(nowMs)
        && (since == null || other.header().version().covers(since));
  }
}
