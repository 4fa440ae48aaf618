package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;

/**
 * The way of a fetch. Immutable.
 *
 * @param from the region that is asked
 * @param rttMs smoothed round-trip time
 * @param pressure 1 on an idle link, more where what queues on it lengthens the round trip
 */
public record FetchPath(RegionName from, double rttMs, double pressure) {}
