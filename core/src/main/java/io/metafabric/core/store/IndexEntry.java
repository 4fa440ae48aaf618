package io.metafabric.core.store;

import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.record.Header;
import org.jspecify.annotations.Nullable;

/**
 * What the index holds of a key.
 *
 * @param payloadAt the journal frame that has the payload of this header's dot; null if none does
 */
record IndexEntry(Header header, @Nullable FrameLocation payloadAt) {}
