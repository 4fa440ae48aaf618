package io.metafabric.core.store;

import io.metafabric.core.record.MetadataRecord;

/**
 * A record that another region sent.
 *
 * @param keepPayload whether this region is to hold the payload in its journal
 */
public record Inbound(MetadataRecord record, boolean keepPayload) {}
