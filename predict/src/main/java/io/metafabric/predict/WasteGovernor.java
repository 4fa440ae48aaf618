package io.metafabric.predict;

/**
 * Bounds what prefetching may waste by what it saves, and steers the least probability that is let
 * through accordingly.
 *
 * <p>A request that had to be fetched, or would have been but for a prefetch, is a <em>need</em>.
 * What may be wasted is at most {@value #MOST_PER_NEED} of the needs, and less where prefetching
 * saves little: {@value #PER_USED} of the prefetches that were used, and {@value #FREE_PER_NEED} of
 * the needs, so that there is something to learn from. Beyond that nothing is let through until
 * there is allowance again; what is proposed meanwhile is scored all the same, so nothing has to be
 * spent to find out that it pays again. All of it fades, by half in {@value #HALF_LIFE} needs.
 *
 * <p>Counts, and draws nothing by chance. Not thread-safe.
 */
final class WasteGovernor {
  static final double MOST_PER_NEED = 0.2;
  static final double PER_USED = 0.7;
  static final double FREE_PER_NEED = 0.01;
  static final double LEAST_FLOOR = 0.3;
  static final double FIRST_FLOOR = 0.5;
  static final double MOST_FLOOR = 0.95;

  /** How far one need moves the floor. */
  private static final double STEP = 0.005;

  /** Beyond the allowance, before nothing is let through: what a small cache has under way. */
  private static final double SLACK = 8;

  private static final int HALF_LIFE = 14_000;
  private static final double MEMORY = Math.pow(0.5, 1.0 / HALF_LIFE);

  private double needs;
  private double used;
  private double wasted;
  private double floor = FIRST_FLOOR;

  void need() {
    needs = needs * MEMORY + 1;
    used *= MEMORY;
    wasted *= MEMORY;
    double steered = floor + (wasted > allowance() ? STEP : -STEP);
    floor = Math.max(LEAST_FLOOR, Math.min(MOST_FLOOR, steered));
  }

  void resolved(long nowUsed, long nowWasted) {
    used += nowUsed;
    wasted += nowWasted;
  }

  private double allowance() {
    return Math.min(MOST_PER_NEED * needs, FREE_PER_NEED * needs + PER_USED * used);
  }

  boolean open() {
    return wasted <= allowance() + SLACK;
  }

  boolean admits(double probability) {
    return probability >= floor && open();
  }

  double floor() {
    return floor;
  }
}
