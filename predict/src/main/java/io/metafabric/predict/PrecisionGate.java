package io.metafabric.predict;

/**
 * Lets a predictor's predictions through while enough of them come true. Off below one precision,
 * on again above a higher one; while off, one in some goes through as a probe. Not thread-safe.
 */
final class PrecisionGate {
  private static final double ON_AT = 0.35;
  private static final double OFF_BELOW = 0.25;
  private static final double WEIGHT = 1.0 / 64;
  private static final int PROBE_EVERY = 50;

  /** What is assumed before anything was measured: good enough to begin, not for long. */
  private double precision = 0.5;

  private boolean open = true;
  private long asked;

  boolean lets() {
    asked++;
    return open || asked % PROBE_EVERY == 0;
  }

  void used() {
    update(1);
  }

  void wasted() {
    update(0);
  }

  private void update(double outcome) {
    precision += WEIGHT * (outcome - precision);
    open = open ? precision >= OFF_BELOW : precision >= ON_AT;
  }

  boolean isOpen() {
    return open;
  }

  double precision() {
    return precision;
  }
}
