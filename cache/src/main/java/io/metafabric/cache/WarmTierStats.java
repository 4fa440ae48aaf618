package io.metafabric.cache;

/**
 * What a warm tier has counted since it was opened.
 *
 * @param tier which it is: {@code journal} or {@code chronicle}
 * @param sizeBytes of the entries, with what the tier adds to each
 * @param maxBytes what {@code sizeBytes} is kept under; 0 if only compaction bounds it
 * @param hits reads that it answered; 0 for the journal, which has nothing in front of it
 * @param misses reads that it left to the journal
 * @param refused fills that it did not take: too large, or no room in that part of the file
 * @param evicted entries that made room for others
 * @param damaged entries whose checksum was wrong, and which were not shown; the first retires the
 *     tier
 */
public record WarmTierStats(
    String tier,
    long entries,
    long sizeBytes,
    long maxBytes,
    long hits,
    long misses,
    long refused,
    long evicted,
    long damaged) {}
