package io.metafabric.replicate.arm;

/**
 * The least ratio of benefit to cost at which a copy is made, such that the marginal one just pays:
 * of copies that were made near it, what was expected of them over what they brought. Where copies
 * bring half of what is expected, twice the benefit is asked for.
 *
 * <p>Begins at 1 and stays within {@value #LEAST} and {@value #MOST}. Moves by small steps, and
 * only while it is off by more than a tenth. What it rests on fades by half in an hour, so one that
 * is too high for any copy to test it comes down again. Not thread-safe; the caller owns the clock.
 */
final class PayThreshold {
  static final double LEAST = 0.5;
  static final double MOST = 16;

  /** It takes about so many copies to be believed against the beginning. */
  private static final double PRIOR = 20;

  private static final double DEAD_BAND = 1.1;
  private static final double STEP = 1.02;
  private static final long NANOS_PER_MINUTE = 60_000_000_000L;

  /** A step without copies, of a minute. */
  private static final double FADE = StrictMath.pow(0.5, 1 / 60.0);

  private static final int MAX_MINUTES = 24 * 60;

  private final double near;
  private double expected;
  private double brought;
  private double ratio = 1;
  private long fadedNanos;

  /**
   * @param near up to so many times the threshold a copy says something of the marginal one
   */
  PayThreshold(double near, long nowNanos) {
    this.near = near;
    this.fadedNanos = nowNanos;
  }

  double ratio(long nowNanos) {
    long minutes = (nowNanos - fadedNanos) / NANOS_PER_MINUTE;
    if (minutes > 0) {
      fadedNanos += minutes * NANOS_PER_MINUTE;
      for (long i = 0; i < Math.min(minutes, MAX_MINUTES); i++) {
        expected *= FADE;
        brought *= FADE;
        step();
      }
    }
    return ratio;
  }

  /**
   * @param expectedRatio of benefit to cost, when the copy was decided on
   * @param broughtRatio what it has saved, over the same cost
   */
  void settled(double expectedRatio, double broughtRatio) {
    if (expectedRatio <= ratio * near) {
      expected += expectedRatio;
      brought += broughtRatio;
      step();
    }
  }

  private void step() {
    double pays = (PRIOR + expected) / (PRIOR + brought);
    if (pays > ratio * DEAD_BAND) {
      ratio = Math.min(MOST, ratio * STEP);
    } else if (pays < ratio / DEAD_BAND) {
      ratio = Math.max(LEAST, ratio / STEP);
    }
  }
}
