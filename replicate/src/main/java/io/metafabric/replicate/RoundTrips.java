package io.metafabric.replicate;

/** How long the way to a peer and back takes. The loop measures, any thread reads. */
final class RoundTrips {
  private static final double RTT_WEIGHT = 0.2;
  private static final double MAX_PRESSURE = 100;

  private volatile double rttMs = Double.NaN;
  private volatile double leastRttMs = Double.NaN;

  void measured(double sampleMs) {
    rttMs = Double.isNaN(rttMs) ? sampleMs : rttMs + RTT_WEIGHT * (sampleMs - rttMs);
    leastRttMs = Double.isNaN(leastRttMs) ? sampleMs : Math.min(leastRttMs, sampleMs);
  }

  /** Smoothed; NaN before the first measurement. */
  double rttMs() {
    return rttMs;
  }

  /**
   * 1 on an idle link; what queues on the way lengthens the round trip. Under a millisecond it is
   * the machines that differ, not the link.
   */
  double pressure() {
    double least = leastRttMs;
    double now = rttMs;
    return Double.isNaN(least) || Double.isNaN(now)
        ? 1
        : Math.max(1, Math.min(MAX_PRESSURE, (now + 1) / (least + 1)));
  }
}
