package io.metafabric.predict;

import java.util.List;

/** How the predictors of a fabric do. */
public record ForesightStats(List<PerPredictor> predictors) {
  /**
   * @param open whether its predictions are let through; when not, some still are, to probe
   * @param precision of late prefetches, the share that was read; 0.5 is assumed at first
   * @param failed whether it threw, or grew beyond its bound, and is off for good
   */
  public record PerPredictor(
      String name,
      boolean open,
      double precision,
      long predicted,
      long used,
      long wasted,
      long retainedBytes,
      boolean failed) {}

  public ForesightStats {
    predictors = List.copyOf(predictors);
  }
}
