package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;

/**
 * Bounds what prefetching may waste by what it saves, and steers the least probability that is let
 * through accordingly.
 *
 * <p>A request that had to be fetched, or would have been but for a prefetch, is a <em>need</em>.
 * It was <em>foreseen</em> if its key had been proposed with a fair probability, whether that led
 * to a prefetch or not. For each prefetch that was used some may be wasted, the more the larger the
 * share of needs that is foreseen: where prediction saves little, it may cost little. A few of the
 * needs may be wasted in any case, so that there is a beginning, and no more than {@value
 * #MOST_PER_NEED} of them in no case. Beyond that nothing is let through until there is allowance
 * again; what is proposed meanwhile is followed up all the same, so nothing has to be spent to find
 * out that it pays again. All of it fades, by half in {@value #HALF_LIFE} needs.
 *
 * <p>Prefetches also push out what would have been read, and is fetched ahead again: each of them
 * is used, and for nothing. So the floor rises as well where more than {@value #MOST_FETCHES} times
 * as much is fetched as would be without prediction. It closes nothing: then whole sequences would
 * be lost for a few fetches.
 *
 * <p>The numbers were chosen by replaying real traces. Counts, and draws nothing by chance. Not
 * thread-safe.
 */
final class WasteGovernor {
  static final double MOST_PER_NEED = 0.17;
  static final double MOST_PER_USED = 1.5;

  /** How much may be wasted for a used one, by the square of the share that is foreseen. */
  static final double PER_SHARE_FORESEEN = 200;

  /**
   * Fetches of both kinds, over what would be fetched without prediction, before it is stricter.
   */
  static final double MOST_FETCHES = 1.25;

  static final double FREE_PER_NEED = 0.005;
  static final double LEAST_FLOOR = 0.35;
  static final double FIRST_FLOOR = 0.5;
  static final double MOST_FLOOR = 0.95;

  /** How far one need moves the floor. */
  private static final double STEP = 0.005;

  /** Beyond the allowance, before nothing is let through: what a small cache has under way. */
  private static final double SLACK = 8;

  private static final int HALF_LIFE = 14_000;
  private static final double MEMORY = StrictMath.pow(0.5, 1.0 / HALF_LIFE);

  private double needs;
  private double foreseen;
  private double used;
  private double wasted;

  private double fetched;

  /** What would have been fetched without prediction. */
  private double unaided;

  private long toldFetched;
  private long toldUnaided;
  private double floor = FIRST_FLOOR;

  void need() {
    needs = needs * MEMORY + 1;
    fetched *= MEMORY;
    unaided *= MEMORY;
    foreseen *= MEMORY;
    used *= MEMORY;
    wasted *= MEMORY;
    double steered = floor + (wasted > allowance() || pushesOut() ? STEP : -STEP);
    floor = Math.max(LEAST_FLOOR, Math.min(MOST_FLOOR, steered));
  }

  /**
   * What is needed now had been proposed with a fair probability, whether it was fetched or not.
   */
  void foreseen() {
    foreseen++;
  }

  void resolved(long nowUsed, long nowWasted) {
    used += nowUsed;
    wasted += nowWasted;
  }

  private double allowance() {
    double share = foreseen / Math.max(1, needs);
    double perUsed = Math.min(MOST_PER_USED, PER_SHARE_FORESEEN * share * share);
    return Math.min(MOST_PER_NEED * needs, FREE_PER_NEED * needs + perUsed * used);
  }

  void save(ByteWriter out) {
    for (double each : new double[] {needs, foreseen, used, wasted, floor}) {
      Saved.number(out, each);
    }
  }

  /**
   * @throws io.metafabric.core.error.WireFormatException if it is not what {@link #save} wrote
   */
  void restore(ByteReader in) {
    needs = Saved.number(in, "needs", 0, Integer.MAX_VALUE);
    foreseen = Saved.number(in, "foreseen needs", 0, Integer.MAX_VALUE);
    used = Saved.number(in, "used prefetches", 0, Integer.MAX_VALUE);
    wasted = Saved.number(in, "wasted prefetches", 0, Integer.MAX_VALUE);
    floor = Saved.number(in, "floor", LEAST_FLOOR, MOST_FLOOR);
  }

  /**
   * How much was fetched, in all since some time, and what would have been without prediction, by
   * estimate. Who asks for what is being fetched anyway counts in neither.
   */
  void fetched(long inAll, long unaidedInAll) {
    fetched += inAll - toldFetched;
    unaided += unaidedInAll - toldUnaided;
    toldFetched = inAll;
    toldUnaided = unaidedInAll;
  }

  private boolean pushesOut() {
    return fetched > MOST_FETCHES * unaided + SLACK;
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
