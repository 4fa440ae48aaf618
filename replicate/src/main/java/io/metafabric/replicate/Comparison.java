package io.metafabric.replicate;

import java.time.Duration;

/**
 * What came of comparing all headers with another region.
 *
 * @param rangesCompared nodes of the hash tree whose digests were compared
 * @param rangesDiffering of these, those that were other ones there
 * @param received records that came from there and were news here
 * @param sent records that went there
 * @param bytes of all frames, both ways
 * @param took from the first digest to the last record
 */
public record Comparison(
    long rangesCompared,
    long rangesDiffering,
    long received,
    long sent,
    long bytes,
    Duration took) {}
