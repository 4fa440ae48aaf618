package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * How things stand with one other region. Of its last word counts what came on any connection since
 * this node was opened.
 *
 * @param phi how suspicious its silence is: -log10 of the probability that one who is well is
 *     silent for so long
 * @param flaps how often it was suspected again within a minute of having come back
 * @param probationMs for how long it has to be well, once it is suspected, before reads ask it
 *     first again; 0 for one that does not come and go
 * @param rttMs smoothed round-trip time; NaN before the first measurement
 * @param lagMs how far the two regions are apart: the larger of {@code oldestUnacknowledgedMs} and
 *     {@code missingMs}
 * @param pendingChanges changes of this directory that the peer has not acknowledged, those
 *     replaced since included; before the peer was heard for the first time, those of this opening
 *     alone
 * @param oldestUnacknowledgedMs for how long the oldest of them has been waiting, 0 if there is
 *     none; those of earlier openings count from the beginning of this one
 * @param missingChanges changes of the peer that it knew to be missing here when it was heard last
 * @param missingMs how old the oldest change of the peer may be that is missing here: 0 if its last
 *     word was that none is, and it is heard; it grows for as long as the peer is silent
 * @param inFlightBytes sent and not acknowledged
 * @param waitingBytes read from the journal and not sent
 * @param coalesced changes that were not sent, because a later one of the same key was
 * @param lackingEntries of the journal, in a range of which some were dropped before the peer had
 *     them; until it has caught up it is not told that it has everything. 0 if there is none
 * @param timesBehindRetention how often such a range was met
 * @param paused this node sends it no changes, because its operator said so
 * @param pausedThere the peer said so of its side
 * @param clockOffsetMs how far its wall clock is ahead of this node's, right to half of the
 *     round-trip time; NaN before the first measurement
 * @param connects how often a connection was established
 * @param resends how often sending went back to what was acknowledged last
 * @param repair comparisons of all headers with the peer
 * @param violations how often the peer did what it must not, as sending changes of another region,
 *     and was cut off
 * @param refusal why one of the two does not talk to the other; null if it does, or never said
 * @param problem what is wrong with a journal that cannot be read, for as long as it cannot; else
 *     why there is no connection; else why changes of the peer are not taken here; null if all is
 *     well
 */
public record PeerStats(
    RegionName region,
    PeerState state,
    double phi,
    long flaps,
    long probationMs,
    double rttMs,
    long lagMs,
    long pendingChanges,
    long oldestUnacknowledgedMs,
    long missingChanges,
    long missingMs,
    long inFlightBytes,
    long waitingBytes,
    long coalesced,
    long lackingEntries,
    long timesBehindRetention,
    boolean paused,
    boolean pausedThere,
    double clockOffsetMs,
    long connects,
    long resends,
    RepairStats repair,
    long violations,
    @Nullable Refusal refusal,
    @Nullable String problem) {}
