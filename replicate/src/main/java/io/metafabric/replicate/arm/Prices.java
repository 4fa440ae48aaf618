package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;

/**
 * What things cost, in micro-dollars. Immutable.
 *
 * @param perTransferredByte between regions
 * @param perStoredByteHour of a copy
 * @param perSavedMs what a millisecond that a reader need not wait is worth
 */
public record Prices(double perTransferredByte, double perStoredByteHour, double perSavedMs) {
  private static final double BYTES_PER_GB = 1e9;
  private static final double HOURS_PER_MONTH = 730;

  /**
   * 0.02 dollars a GB between regions, 0.10 dollars a GB-month of block storage: the list prices of
   * the large public clouds in North America (<a
   * href="https://aws.amazon.com/ec2/pricing/on-demand/">data transfer</a>, <a
   * href="https://aws.amazon.com/ebs/pricing/">storage</a>). A saved second is worth 10
   * micro-dollars, an hour of waiting 3.6 cents: about what the waiting processor costs. Where
   * people wait, it is worth a thousand times as much.
   */
  public static final Prices DEFAULT =
      new Prices(0.02e6 / BYTES_PER_GB, 0.10e6 / BYTES_PER_GB / HOURS_PER_MONTH, 0.01);

  public Prices {
    require("perTransferredByte", perTransferredByte);
    require("perStoredByteHour", perStoredByteHour);
    require("perSavedMs", perSavedMs);
  }

  private static void require(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new ConfigurationException(
          "price " + name + " must be a number of micro-dollars >= 0, was " + value);
    }
  }
}
