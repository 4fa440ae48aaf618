package io.metafabric.predict;

import java.util.List;

/**
 * How the predictors of a fabric do. Immutable.
 *
 * @param predictors in the order in which they are asked
 * @param scores how all and each did on the reads, in all namespaces and in each
 * @param ranking how true the probabilities were
 * @param sources how each source of the library's predictor does
 * @param surplus predictions dropped because there were more than one call returns, and proposals
 *     because there were more than one call looks at; the latter since a predictor was restored
 * @param clientsForgotten clients whose last keys were dropped to stay within a bound
 * @param unattributed outcomes of prefetches in the name of no predictor here
 * @param retainedBytes heap of the predictors, the clients' last keys, and what is kept of past
 *     predictions, by estimate
 * @param maxRetainedBytes what it is kept under: a predictor that retains more than its share is
 *     switched off
 */
public record ForesightStats(
    List<PerPredictor> predictors,
    List<PredictionScore> scores,
    List<RankingStats> ranking,
    List<SourceStats> sources,
    long surplus,
    long clientsForgotten,
    long unattributed,
    long retainedBytes,
    long maxRetainedBytes) {
  /**
   * @param open whether its predictions are let through; when not, some still are, to probe
   * @param floor the least probability that is let through now
   * @param precision of late prefetches, the share that was read; 0 before the first is resolved
   * @param predicted predictions let through
   * @param withheld predictions stopped because the gate was closed or waited for outcomes
   * @param made prefetches made on its word
   * @param used how many of them were read, or waited for while they were on their way
   * @param wasted how many were not
   * @param failed whether it threw, or grew beyond its bound, and is off for good
   */
  public record PerPredictor(
      String name,
      boolean open,
      double floor,
      double precision,
      long predicted,
      long withheld,
      long made,
      long used,
      long wasted,
      long retainedBytes,
      boolean failed) {}

  public ForesightStats {
    predictors = List.copyOf(predictors);
    scores = List.copyOf(scores);
    ranking = List.copyOf(ranking);
    sources = List.copyOf(sources);
  }
}
