package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import org.jspecify.annotations.Nullable;

/**
 * @param rttMs smoothed round-trip time; NaN before the first measurement
 * @param pendingChanges changes of this directory that the peer has not acknowledged, those
 *     replaced since included; before the peer was heard for the first time, those of this opening
 *     alone
 * @param inFlightBytes sent and not acknowledged
 * @param waitingBytes read from the journal and not sent
 * @param coalesced changes that were not sent, because a later one of the same key was
 * @param lackingEntries of the journal, in a range of which some were dropped before the peer had
 *     them; until it has caught up it is not told that it has everything. 0 if there is none
 * @param timesBehindRetention how often such a range was met
 * @param connects how often a connection was established
 * @param resends how often sending went back to what was acknowledged last
 * @param problem what is wrong with a journal that cannot be read, for as long as it cannot; else
 *     why there is no connection; else why changes of the peer are not taken here; null if all is
 *     well
 */
public record PeerStats(
    RegionName region,
    PeerState state,
    double rttMs,
    long pendingChanges,
    long inFlightBytes,
    long waitingBytes,
    long coalesced,
    long lackingEntries,
    long timesBehindRetention,
    long connects,
    long resends,
    @Nullable String problem) {
  /** The same, with a problem if there is none that weighs more. */
  PeerStats withProblemOfReceiving(@Nullable String receiving) {
    return receiving == null || problem != null
        ? this
        : new PeerStats(
            region, state, rttMs, pendingChanges, inFlightBytes, connects, resends, receiving);
  }
}
