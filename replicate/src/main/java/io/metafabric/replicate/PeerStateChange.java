package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;

/**
 * The state of a pair of regions has changed, as this one sees it.
 *
 * @param why for people
 * @param atMs epoch milliseconds, by this node's clock
 */
public record PeerStateChange(
    RegionName region, PeerState from, PeerState to, String why, long atMs) {}
