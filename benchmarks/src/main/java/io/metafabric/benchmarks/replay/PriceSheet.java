package io.metafabric.benchmarks.replay;

import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.arm.Prices;
import java.util.List;

/**
 * What three regions pay, and how far they are from each other. Immutable; amounts in dollars.
 * {@link PriceFile} reads one.
 */
final class PriceSheet {
  private static final double BYTES_PER_GB = 1e9;
  private static final double HOURS_PER_MONTH = 730;
  private static final double MS_PER_HOUR = 3_600_000;
  private static final double MICRO = 1e6;

  private final String name;
  private final List<RegionName> regions;
  private final double[][] rttMs;
  private final double[][] transferPerGb;
  private final double[] storagePerGbMonth;
  private final double requestPerMillion;
  private final double savedMsMicroDollars;

  /**
   * @param rttMs by region and region, the same both ways
   * @param transferPerGb by sender and receiver
   * @param savedMsMicroDollars what a millisecond is worth that a reader need not wait
   */
  PriceSheet(
      String name,
      List<RegionName> regions,
      double[][] rttMs,
      double[][] transferPerGb,
      double[] storagePerGbMonth,
      double requestPerMillion,
      double savedMsMicroDollars) {
    this.name = name;
    this.regions = List.copyOf(regions);
    this.rttMs = rttMs;
    this.transferPerGb = transferPerGb;
    this.storagePerGbMonth = storagePerGbMonth;
    this.requestPerMillion = requestPerMillion;
    this.savedMsMicroDollars = savedMsMicroDollars;
  }

  String name() {
    return name;
  }

  List<RegionName> regions() {
    return regions;
  }

  /** There and back. */
  double rttMs(int a, int b) {
    return rttMs[a][b];
  }

  double transfer(int from, int to, long bytes) {
    return bytes / BYTES_PER_GB * transferPerGb[from][to];
  }

  double storage(int region, long bytes, double ms) {
    return bytes / BYTES_PER_GB * storagePerGbMonth[region] * ms / MS_PER_HOUR / HOURS_PER_MONTH;
  }

  double request() {
    return requestPerMillion / MICRO;
  }

  /** In micro-dollars. */
  double savedMs() {
    return savedMsMicroDollars;
  }

  /** The same for an ARM, which pays nothing for requests. */
  Prices forArm(double savedMicroDollars) {
    Prices prices = new Prices(0, 0, savedMicroDollars);
    for (int from = 0; from < regions.size(); from++) {
      String region = regions.get(from).name();
      prices = prices.withStoragePerGbMonth(region, storagePerGbMonth[from]);
      for (int to = 0; to < regions.size(); to++) {
        if (from != to) {
          prices =
              prices.withTransferPerGb(region, regions.get(to).name(), transferPerGb[from][to]);
        }
      }
    }
    return prices;
  }
}
