package io.metafabric.cache;

/**
 * @param sizeBytes as weighed, overhead included
 * @param rejectedFills stale, without payload, or too large
 */
public record HotTierStats(
    long entries, long sizeBytes, long maxBytes, long evictions, long rejectedFills) {}
