package io.metafabric.core.store;

import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.record.Header;
import org.jspecify.annotations.Nullable;

/**
 * What the index holds of a key.
 *
 * @param at the newest journal frame of this key
 * @param payloadAt the frame that has the payload of this header's dot, often the same; null if
 *     none does
 */
record IndexEntry(Header header, FrameLocation at, @Nullable FrameLocation payloadAt) {
  boolean isAt(FrameLocation location) {
    return at.isSameAs(location) || (payloadAt != null && payloadAt.isSameAs(location));
  }

  /** The same, where a frame has been moved. */
  IndexEntry moved(FrameLocation from, FrameLocation to) {
    return new IndexEntry(
        header,
        at.isSameAs(from) ? to : at,
        payloadAt != null && payloadAt.isSameAs(from) ? to : payloadAt);
  }
}
