package io.metafabric.node;

/**
 * What regions tell each other of reads. Bytes are those before compression.
 *
 * @param on whether the builder has it on; while prediction is off nothing is told either
 * @param sent summaries, each to one region
 * @param notSent those that did not reach the link, because the region was away, speaks an older
 *     protocol, or other data was in the way for so long that later ones took their place
 * @param readsLeftOut reads that were only counted, or not told of, because there were too many
 * @param received summaries, those included that were dropped
 * @param repeated summaries that had come before, or came behind a newer one; dropped
 * @param dropped summaries for which there was no room
 * @param readsLearned reads elsewhere that were learned from
 * @param readsUnknown reads elsewhere of keys that nobody knows here; dropped
 */
public record SummaryStats(
    boolean on,
    long sent,
    long sentBytes,
    long notSent,
    long readsLeftOut,
    long received,
    long receivedBytes,
    long repeated,
    long dropped,
    long readsLearned,
    long readsUnknown) {}
