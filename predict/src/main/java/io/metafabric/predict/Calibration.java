package io.metafabric.predict;

/**
 * How often what was said came true, for each of a number of kinds of saying it. Recent outcomes
 * count more. Not thread-safe.
 */
final class Calibration {
  private static final double DECAY = 0.999;

  private final double[] came;
  private final double[] said;
  private final double[] prior;
  private final double priorWeight;

  /**
   * @param prior the share that is assumed of each kind before anything is known
   * @param priorWeight so many outcomes are needed to count as much as the prior
   */
  Calibration(double[] prior, double priorWeight) {
    this.prior = prior.clone();
    this.priorWeight = priorWeight;
    this.came = new double[prior.length];
    this.said = new double[prior.length];
  }

  void add(int kind, boolean cameTrue) {
    came[kind] = came[kind] * DECAY + (cameTrue ? 1 : 0);
    said[kind] = said[kind] * DECAY + 1;
  }

  /** In (0, 1). */
  double probability(int kind) {
    return (came[kind] + prior[kind] * priorWeight) / (said[kind] + priorWeight);
  }

  /** Outcomes of this kind, the older ones counted less. */
  double said(int kind) {
    return said[kind];
  }

  long retainedBytes() {
    return 3L * Double.BYTES * prior.length;
  }
}
