package io.metafabric.replicate;

/**
 * What homes said of shadows in other regions, and what came of it.
 *
 * @param told how often one named regions that have a shadow of a key
 * @param answered fetches that such a region answered with what was wanted
 * @param wrong fetches that it answered otherwise, so that another region was asked too
 * @param bytes of heap, by estimate, for what is remembered of it
 */
public record HintStats(long told, long answered, long wrong, long bytes, long maxBytes) {}
