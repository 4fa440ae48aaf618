package io.metafabric.cache;

/**
 * @param sizeBytes as weighed, overhead included
 * @param rejectedFills stale, without payload, or too large
 * @param fetches records that reads and prefetches brought and that were not here, since a part of
 *     the tier was full for the first time
 * @param expectedFetches how many of them there would have been with nothing fetched ahead, by
 *     estimate from a sample; where that is not estimated both are 0
 */
public record HotTierStats(
    long entries,
    long sizeBytes,
    long maxBytes,
    long evictions,
    long rejectedFills,
    long fetches,
    long expectedFetches) {
  /** How full the tier is, in [0, 1]. */
  public double fullness() {
    return Math.min(1, (double) sizeBytes / maxBytes);
  }
}
