package io.metafabric.replicate;

import java.util.Arrays;

/**
 * How long the last {@value #WINDOW} answers took, for percentiles that follow a link which
 * changes. A percentile is computed anew for every {@value #REFRESH_EVERY} answers. Not
 * thread-safe.
 */
final class RecentTimes {
  static final int WINDOW = 200;

  /** A percentile of fewer says nothing. */
  static final int LEAST = 20;

  private static final int REFRESH_EVERY = 8;

  private final double[] ring = new double[WINDOW];
  private int size;
  private int next;
  private int sinceSorted;
  private double[] sorted = new double[0];

  void add(double ms) {
    ring[next] = ms;
    next = (next + 1) % WINDOW;
    size = Math.min(size + 1, WINDOW);
    sinceSorted++;
  }

  private double[] sorted() {
    if (sinceSorted >= REFRESH_EVERY || (sorted.length < LEAST && sinceSorted > 0)) {
      sorted = Arrays.copyOf(ring, size);
      Arrays.sort(sorted);
      sinceSorted = 0;
    }
    return sorted;
  }

  /** The least time of which so many percent are not longer; NaN if too little is known. */
  double percentileMs(double percentile) {
    double[] all = sorted();
    if (all.length < LEAST) {
      return Double.NaN;
    }
    return all[Math.max(0, (int) Math.ceil(percentile / 100 * all.length) - 1)];
  }

  /** The longest; NaN if too little is known. */
  double longestMs() {
    return percentileMs(100);
  }

  /** The mean of those that took longer than {@code ms}; NaN if none did. */
  double meanBeyondMs(double ms) {
    double[] all = sorted();
    double sum = 0;
    int beyond = 0;
    for (int i = all.length - 1; i >= 0 && all[i] > ms; i--) {
      sum += all[i];
      beyond++;
    }
    return beyond == 0 ? Double.NaN : sum / beyond;
  }
}
