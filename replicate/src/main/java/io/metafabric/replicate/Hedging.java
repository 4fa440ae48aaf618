package io.metafabric.replicate;

import io.metafabric.core.error.ConfigurationException;

/**
 * When a read that waits for one region asks a second one too. Immutable.
 *
 * @param percentile of the times that fetches from the first region took of late, 50 to 99.9: once
 *     an answer is a quarter later than that, and the second can be expected to be sooner
 * @param maxExtraShare of second requests in all fetches that reads wait for, 0 to 1; 0 sends none
 */
public record Hedging(double percentile, double maxExtraShare) {
  /** Every read waits for one region at a time. */
  public static final Hedging OFF = new Hedging(90, 0);

  /** What docs/BENCHMARKS.md found to be good, or to do no harm, on all distributions tried. */
  public static final Hedging DEFAULT = new Hedging(90, 0.05);

  /**
   * @throws ConfigurationException naming what is out of range
   */
  public Hedging {
    if (!(percentile >= 50 && percentile <= 99.9)) {
      throw new ConfigurationException("hedging percentile must be 50 to 99.9, was " + percentile);
    }
    if (!(maxExtraShare >= 0 && maxExtraShare <= 1)) {
      throw new ConfigurationException(
          "hedging maxExtraShare must be 0 to 1, was " + maxExtraShare);
    }
  }

  boolean isOff() {
    return maxExtraShare == 0;
  }
}
