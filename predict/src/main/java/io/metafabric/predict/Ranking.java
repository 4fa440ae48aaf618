package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;

/**
 * Weights of a logistic regression, and a calibration of what comes out. The weights are those of
 * the features, or those of all products of two of them, in which the features are again: the first
 * one is 1. Draws nothing by chance. Not thread-safe.
 */
final class Ranking {
  private static final int BINS = 30;
  private static final double BIN_PRIOR_WEIGHT = 10;

  /** No weight that was learned comes near it. */
  private static final double MOST_WEIGHT = 1e6;

  private final int features;
  private final double[] weights;
  private final Calibration bins;

  /**
   * @param weights one for each feature, or for each product as {@link RankingExamples#crossed}
   *     puts them in order
   */
  Ranking(int features, double[] weights) {
    if (weights.length != features && weights.length != products(features)) {
      throw new IllegalArgumentException(
          weights.length + " weights are neither for " + features + " features nor their products");
    }
    this.features = features;
    this.weights = weights.clone();
    this.bins = new Calibration(BINS, bin -> (bin + 0.5) / BINS, BIN_PRIOR_WEIGHT);
  }

  /** Of so many features, products of two, each pair once and each feature with itself. */
  static int products(int features) {
    return features * (features + 1) / 2;
  }

  /** A monotone score in (0, 1) of the features at {@code from}. */
  double score(float[] values, int from) {
    double sum = weights.length == features ? linear(values, from) : quadratic(values, from);
    return 1 / (1 + StrictMath.exp(-sum));
  }

  private double linear(float[] values, int from) {
    double sum = 0;
    for (int i = 0; i < features; i++) {
      sum += weights[i] * values[from + i];
    }
    return sum;
  }

  private double quadratic(float[] values, int from) {
    double sum = 0;
    int next = 0;
    for (int i = 0; i < features; i++) {
      double inner = 0;
      for (int j = i; j < features; j++) {
        inner += weights[next] * values[from + j];
        next++;
      }
      sum += inner * values[from + i];
    }
    return sum;
  }

  /** The share of what had this score that came true. */
  double probability(double score) {
    return bins.probability(bin(score));
  }

  private static int bin(double score) {
    return Math.min(BINS - 1, (int) (score * BINS));
  }

  /** Moves the weights, of features alone, a little towards what would have been right. */
  void descend(float[] values, int from, double score, boolean cameTrue, double rate) {
    double error = (cameTrue ? 1 : 0) - score;
    for (int i = 0; i < features; i++) {
      weights[i] += rate * error * values[from + i];
    }
  }

  void calibrate(double score, boolean cameTrue) {
    bins.add(bin(score), cameTrue);
  }

  double[] weights() {
    return weights.clone();
  }

  void save(ByteWriter out) {
    out.i32(weights.length);
    for (double weight : weights) {
      Saved.number(out, weight);
    }
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
      weights[i] = Saved.number(in, "a weight", -MOST_WEIGHT, MOST_WEIGHT);
    }
    bins.restore(in);
  }

  long retainedBytes() {
    return bins.retainedBytes() + (long) Double.BYTES * weights.length;
  }
}
