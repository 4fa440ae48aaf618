package io.metafabric.core.store;

import io.metafabric.core.record.MetadataRecord;

/**
 * A change that has become the key's state on this node.
 *
 * @param record with the payload if it came with one, whether or not it was journaled
 * @param local whether this node wrote it
 */
public record Published(MetadataRecord record, boolean local) {}
