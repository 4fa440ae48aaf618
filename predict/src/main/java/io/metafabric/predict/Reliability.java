package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import java.util.ArrayList;

/** What was said beside what came true. Not thread-safe. */
final class Reliability {
  static final int BINS = 10;
  private static final double FADE = 0.999;
  private static final double MOST_LATE = 1 / (1 - FADE) + 1;

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

  /** What is late alone: the table is of this run. */
  void save(ByteWriter out) {
    Saved.number(out, lateErrors);
    Saved.number(out, lateOutcomes);
  }

  /**
   * @throws io.metafabric.core.error.WireFormatException if it is not what {@link #save} wrote
   */
  void restore(ByteReader in) {
    lateErrors = Saved.number(in, "squared errors", 0, MOST_LATE);
    lateOutcomes = Saved.number(in, "outcomes", 0, MOST_LATE);
  }

  static long retainedBytes() {
    return 3L * Long.BYTES * BINS;
  }
}
