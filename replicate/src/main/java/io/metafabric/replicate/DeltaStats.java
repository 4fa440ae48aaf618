package io.metafabric.replicate;

/**
 * Payloads of changes that were told by an earlier version, since the node was opened. Counted as
 * often as they were sent. Immutable.
 *
 * @param sent deltas
 * @param sentBytes of them, with what names their bases
 * @param savedBytes that the whole payloads would have taken beyond that, before compression
 * @param baseUnknown payloads that went whole, because the peer is not known to hold the version
 *     before
 * @param notSmaller that went whole, because a delta would not have been shorter
 * @param overBudget that went whole, because too much had been compared within the second
 * @param received deltas that were made into payloads here
 * @param basesMissing deltas that could not be, because their base is not here: the peer was asked
 *     for the whole payload
 * @param knownBytes of heap, by estimate, for payloads that peers are known to hold
 */
public record DeltaStats(
    long sent,
    long sentBytes,
    long savedBytes,
    long baseUnknown,
    long notSmaller,
    long overBudget,
    long received,
    long basesMissing,
    long knownBytes) {}
