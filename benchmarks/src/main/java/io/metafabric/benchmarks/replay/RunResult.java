package io.metafabric.benchmarks.replay;

import io.metafabric.predict.RankingStats;
import java.util.List;

/**
 * What one replay came to. Immutable.
 *
 * @param capacity entries of the cache, in each region
 * @param misses requests that had to wait, also those that waited for a prefetch under way
 * @param demandFetches fetches that a request caused
 * @param prefetches fetches that nobody had asked for
 * @param prefetchesUsed of these, how many were requested while they were there or under way
 * @param prefetchesWasted of these, how many left the cache unread; the rest were there at the end
 * @param stallMsMean wait of a request, hits included
 * @param wideAreaBytes payloads that were fetched, and {@value Replayer#OVERHEAD_BYTES} bytes each
 * @param predictorBytes heap of what predicts, over all regions, by its own estimate
 * @param eventsPerSecond requests replayed in a second of real time
 * @param ranking how true probabilities were, in each region
 */
public record RunResult(
    String trace,
    String policy,
    double capacityPercent,
    int capacity,
    int latencyMs,
    int regions,
    long requests,
    long misses,
    long demandFetches,
    long prefetches,
    long prefetchesUsed,
    long prefetchesWasted,
    double stallMsMean,
    double stallMsP99,
    long wideAreaBytes,
    long predictorBytes,
    long eventsPerSecond,
    List<RankingStats> ranking) {
  public RunResult {
    ranking = List.copyOf(ranking);
  }

  public double missPercent() {
    return requests == 0 ? 0 : 100.0 * misses / requests;
  }
}
