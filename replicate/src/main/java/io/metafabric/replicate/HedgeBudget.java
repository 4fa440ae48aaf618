package io.metafabric.replicate;

/**
 * Keeps extra requests within a share of all: each request earns its share of an extra one. At no
 * time since the beginning were there more than that. What a calm time has earned is kept for
 * {@value #MOST_KEPT} extra requests at most. Not thread-safe.
 */
final class HedgeBudget {
  static final int MOST_KEPT = 64;

  // In whole millionths, so that nothing is lost or won by rounding.
  private static final long ONE = 1_000_000;

  private final long sharePerRequest;
  private long earned;

  HedgeBudget(double maxExtraShare) {
    sharePerRequest = (long) (maxExtraShare * ONE);
  }

  void requested() {
    earned = Math.min(earned + sharePerRequest, MOST_KEPT * ONE);
  }

  /** Whether one more extra request may be sent; if so, it counts as sent. */
  boolean tryTake() {
    if (earned < ONE) {
      return false;
    }
    earned -= ONE;
    return true;
  }
}
