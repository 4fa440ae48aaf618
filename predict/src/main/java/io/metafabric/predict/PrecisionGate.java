package io.metafabric.predict;

/**
 * Lets a predictor's predictions through for as long as the prefetches they lead to are used.
 *
 * <p>Two mechanisms. The <em>floor</em>, the least probability that is let through, is steered so
 * that the share of used prefetches settles near {@value #TARGET}: a predictor that does better may
 * risk more. Where even the highest floor does not help and precision falls below {@value #OFF_AT},
 * the gate <em>closes</em>. One in {@value #PROBE_EVERY} predictions still passes, and it opens
 * again when the precision of those probes is {@value #ON_AT} or more.
 *
 * <p>A new gate lets {@value #ALLOWANCE} prefetches happen and then waits until half of them are
 * resolved. It waits because used prefetches resolve sooner than wasted ones, which only an
 * eviction or the end of a horizon reveals: an early look would see too good a picture.
 *
 * <p>Precision is an exponentially weighted mean over about the last {@value #WINDOW} resolved
 * prefetches. The numbers were chosen by replaying real traces: with them, prediction stays on
 * where it saves misses and the fetches it adds where nothing is predictable are a few percent.
 * Everything counts, nothing is drawn by chance. Not thread-safe.
 */
final class PrecisionGate {
  static final double TARGET = 0.35;
  static final double ON_AT = 0.3;
  static final double OFF_AT = 0.2;
  static final double LOWEST_FLOOR = 0.1;
  static final double FIRST_FLOOR = 0.3;
  static final double HIGHEST_FLOOR = 0.5;
  static final int WINDOW = 256;
  static final int ALLOWANCE = 256;
  static final int PROBE_EVERY = 16;
  static final int ENOUGH_PROBES = 32;

  /** How far one resolved prefetch moves the floor: from the first to the lowest in about 150. */
  private static final double STEP = 0.002;

  private boolean open = true;
  private double floor = FIRST_FLOOR;
  private double precision;

  /** Prefetches in {@link #precision}: all since the gate was made, or since it last closed. */
  private long measured;

  private long made;
  private long used;
  private long wasted;
  private long withheld;

  /** Whether a prediction of this probability may become a prefetch. */
  boolean admits(double probability) {
    if (probability < floor) {
      return false;
    }
    boolean waitsForAVerdict = made >= ALLOWANCE && used + wasted < ALLOWANCE / 2;
    if (open && !waitsForAVerdict) {
      return true;
    }
    withheld++;
    return withheld % PROBE_EVERY == 0;
  }

  /** Prefetches were made. */
  void made(long count) {
    made += count;
  }

  /** Prefetches turned out to be used, or to have been in vain, in whatever order. */
  void resolved(long nowUsed, long nowWasted) {
    long resolved = nowUsed + nowWasted;
    if (resolved == 0) {
      return;
    }
    used += nowUsed;
    wasted += nowWasted;
    measured += resolved;
    // While there are few, each counts the same: the first does not set the tone for all others.
    double weightOfPast =
        measured <= WINDOW
            ? 1 - (double) resolved / measured
            : StrictMath.pow(1 - 1.0 / WINDOW, (double) resolved);
    double share = (double) nowUsed / resolved;
    precision = weightOfPast * precision + (1 - weightOfPast) * share;
    double steered = floor + STEP * (TARGET * nowWasted - (1 - TARGET) * nowUsed);
    floor = Math.max(LOWEST_FLOOR, Math.min(HIGHEST_FLOOR, steered));
    openOrClose();
  }

  private void openOrClose() {
    if (open && used + wasted >= ALLOWANCE / 2 && precision < OFF_AT) {
      open = false;
      // What led to this says nothing about now; probes are judged by themselves.
      measured = 0;
    } else if (!open && measured >= ENOUGH_PROBES && precision >= ON_AT) {
      open = true;
    }
  }

  boolean open() {
    return open;
  }

  double floor() {
    return floor;
  }

  double precision() {
    return precision;
  }

  long made() {
    return made;
  }

  long used() {
    return used;
  }

  long wasted() {
    return wasted;
  }

  /** Predictions that reached the floor while the gate was closed or waited; probes included. */
  long withheld() {
    return withheld;
  }
}
