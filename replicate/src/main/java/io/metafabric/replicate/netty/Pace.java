package io.metafabric.replicate.netty;

/** So much a second, and a bounded amount at once. Not thread-safe. */
final class Pace {
  private static final double NANOS_PER_SECOND = 1e9;

  private final double perSecond;
  private final double atOnce;
  private double left;
  private long atNanos;

  Pace(double perSecond, double atOnce, long nowNanos) {
    this.perSecond = perSecond;
    this.atOnce = atOnce;
    this.left = atOnce;
    this.atNanos = nowNanos;
  }

  private void refill(long nowNanos) {
    left = Math.min(atOnce, left + (nowNanos - atNanos) / NANOS_PER_SECOND * perSecond);
    atNanos = nowNanos;
  }

  /** Takes it if it is there. */
  boolean tryTake(double amount, long nowNanos) {
    refill(nowNanos);
    if (left < amount) {
      return false;
    }
    left -= amount;
    return true;
  }

  /**
   * Takes what has been used already.
   *
   * @return for how long nothing more should be, in nanoseconds; 0 for not at all
   */
  long spend(double amount, long nowNanos) {
    refill(nowNanos);
    left -= amount;
    return left >= 0 ? 0 : (long) (-left / perSecond * NANOS_PER_SECOND) + 1;
  }
}
