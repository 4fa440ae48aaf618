package io.metafabric.predict;

import java.util.ArrayList;

/** What was said beside what came true. Not thread-safe. */
final class Reliability {
  static final int BINS = 10;
  private static final double FADE = 0.999;

  private final long[] count = new long[BINS];
  private final long[] came = new long[BINS];
  private final double[] said = new double[BINS];
  private double errors;
  private long outcomes;
  private double lateErrors;
  private double lateOutcomes;

  void add(double probability, boolean cameTrue) {
    int bin = Math.min(BINS - 1, (int) (probability * BINS));
    count[bin]++;
    said[bin] += probability;
    if (cameTrue) {
      came[bin]++;
    }
    double error = probability - (cameTrue ? 1 : 0);
    errors += error * error;
    outcomes++;
    lateErrors = lateErrors * FADE + error * error;
    lateOutcomes = lateOutcomes * FADE + 1;
  }

  /** Mean squared error of late probabilities; 0 before the first. */
  double lateBrierScore() {
    return lateOutcomes == 0 ? 0 : lateErrors / lateOutcomes;
  }

  RankingStats stats(String predictor, String region, String model, long trainings, long taken) {
    var bins = new ArrayList<RankingStats.Bin>();
    for (int i = 0; i < BINS; i++) {
      double width = 1.0 / BINS;
      double mean = count[i] == 0 ? 0 : said[i] / count[i];
      bins.add(new RankingStats.Bin(i * width, (i + 1) * width, mean, count[i], came[i]));
    }
    return new RankingStats(
        predictor,
        region,
        model,
        trainings,
        taken,
        outcomes,
        outcomes == 0 ? 0 : errors / outcomes,
        lateBrierScore(),
        bins);
  }

  static long retainedBytes() {
    return 3L * Long.BYTES * BINS;
  }
}
