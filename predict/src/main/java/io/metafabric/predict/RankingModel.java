package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;

/**
 * A probability from a few features: logistic regression, taught one outcome at a time by gradient
 * descent, and a calibration of what comes out. Draws nothing by chance. Not thread-safe.
 */
final class RankingModel {
  private static final double RATE = 0.02;
  private static final int BINS = 30;
  private static final double BIN_PRIOR_WEIGHT = 10;
  private static final double MOST = 1e6;

  private final double[] weights;
  private final Calibration bins;
  private double squaredErrors;
  private double outcomes;

  /**
   * @param weights to begin with, one for each feature
   */
  RankingModel(double[] weights) {
    this.weights = weights.clone();
    var prior = new double[BINS];
    for (int i = 0; i < BINS; i++) {
      prior[i] = (i + 0.5) / BINS;
    }
    this.bins = new Calibration(prior, BIN_PRIOR_WEIGHT);
  }

  /** A monotone score in (0, 1) of the features at {@code from}. */
  double score(float[] features, int from) {
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += weights[i] * features[from + i];
    }
    return 1 / (1 + StrictMath.exp(-sum));
  }

  /** The share of what had this score that came true. */
  double probability(double score) {
    return bins.probability(bin(score));
  }

  private static int bin(double score) {
    return Math.min(BINS - 1, (int) (score * BINS));
  }

  void learn(float[] features, int from, boolean cameTrue) {
    double score = score(features, from);
    double said = probability(score) - (cameTrue ? 1 : 0);
    squaredErrors = squaredErrors * 0.999 + said * said;
    outcomes = outcomes * 0.999 + 1;
    double error = (cameTrue ? 1 : 0) - score;
    for (int i = 0; i < weights.length; i++) {
      weights[i] += RATE * error * features[from + i];
    }
    bins.add(bin(score), cameTrue);
  }

  /** Mean squared error of late probabilities: 0 is perfect, 0.25 is what tossing a coin has. */
  double brierScore() {
    return outcomes == 0 ? 0 : squaredErrors / outcomes;
  }

  void save(ByteWriter out) {
    out.i32(weights.length);
    for (double weight : weights) {
      Saved.number(out, weight);
    }
    Saved.number(out, squaredErrors);
    Saved.number(out, outcomes);
    bins.save(out);
  }

  /**
   * @throws WireFormatException if it is not what {@link #save} wrote, or of other features
   */
  void restore(ByteReader in) {
    if (in.i32("weights") != weights.length) {
      throw new WireFormatException("the model had other features");
    }
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Saved.number(in, "a weight", -MOST, MOST);
    }
    squaredErrors = Saved.number(in, "squared errors", 0, MOST);
    outcomes = Saved.number(in, "outcomes", 0, MOST);
    bins.restore(in);
  }

  long retainedBytes() {
    return bins.retainedBytes() + (long) Double.BYTES * weights.length;
  }
}
