package io.metafabric.replicate;

import org.jspecify.annotations.Nullable;

/**
 * Comparisons of all headers with one peer that this node began, those under way included.
 *
 * @param running whether one is under way
 * @param lacksOwn whether the peer has writes of this region that are missing here: until they are
 *     back, this region does not say of a key that nobody wrote it
 * @param completed how many came to their end
 * @param failed how many did not; they are begun again
 * @param rangesCompared nodes of the hash tree whose digests were compared
 * @param rangesDiffering of these, those that were other ones there
 * @param received records that came from there and were news here
 * @param sent records that went there
 * @param bytes of all frames, both ways
 * @param problem why the last one did not come to its end; null if it did
 */
public record RepairStats(
    boolean running,
    boolean lacksOwn,
    long completed,
    long failed,
    long rangesCompared,
    long rangesDiffering,
    long received,
    long sent,
    long bytes,
    @Nullable String problem) {}
