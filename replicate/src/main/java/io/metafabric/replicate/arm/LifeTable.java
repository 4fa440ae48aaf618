package io.metafabric.replicate.arm;

import java.util.Arrays;

/**
 * How long it is until something is needed, if it ever is: a life table, of spans that double. What
 * is still waiting counts for the spans that it has been through, so that the young do not look
 * like those that nobody wants. Of spans that nothing has been through little is expected, but
 * something. Who counts says what each weighs. Not thread-safe.
 */
final class LifeTable {
  /** The last one ends after 1,100 years. */
  static final int SPANS = 46;

  static final long BYTES = 5L * SPANS * Double.BYTES;

  /** As if of so many that came to a span, one in forty had been needed in it. */
  private static final double PRIOR = 1;

  private static final double PRIOR_NEEDED = PRIOR / 20;

  private final double[] needed = new double[SPANS];
  private final double[] over = new double[SPANS];
  private final double[] waiting = new double[SPANS];
  private final double[] chance = new double[SPANS];
  private final double[] heldMs = new double[SPANS];

  LifeTable() {
    compute();
  }

  private static int span(long ms) {
    return Math.min(SPANS - 1, Long.SIZE - Long.numberOfLeadingZeros(Math.max(0, ms)));
  }

  /** The end of a span. */
  static double endMs(int span) {
    return (double) (1L << span);
  }

  void needed(long afterMs, double weight) {
    needed[span(afterMs)] += weight;
  }

  /** It ended without having been needed, and will not be. */
  void over(long afterMs, double weight) {
    over[span(afterMs)] += weight;
  }

  /** What was counted so far weighs half from now on. */
  void fade() {
    for (int i = 0; i < SPANS; i++) {
      needed[i] /= 2;
      over[i] /= 2;
    }
  }

  /** Begins to count anew what is still waiting; {@link #compute} ends that. */
  void clearWaiting() {
    Arrays.fill(waiting, 0);
  }

  void waiting(long sinceMs, double weight) {
    waiting[span(sinceMs)] += weight;
  }

  void compute() {
    double came = 0;
    for (int i = 0; i < SPANS; i++) {
      came += needed[i] + over[i] + waiting[i];
    }
    double left = 1;
    double sumChance = 0;
    double sumMs = 0;
    double beginMs = 0;
    for (int i = 0; i < SPANS; i++) {
      double atRisk = came - waiting[i] / 2 + PRIOR;
      double share = (needed[i] + PRIOR_NEEDED) / atRisk;
      double ended = Math.min(1, share + over[i] / atRisk);
      sumChance += left * share;
      sumMs += left * (1 - ended / 2) * (endMs(i) - beginMs);
      left *= 1 - ended;
      chance[i] = Math.min(1, sumChance);
      heldMs[i] = sumMs;
      beginMs = endMs(i);
      came -= needed[i] + over[i] + waiting[i];
    }
  }

  /** That it is needed before a span ends. */
  double chance(int span) {
    return chance[span];
  }

  /** For how long it is held, as a mean, that is kept until needed, over, or to the span's end. */
  double heldMs(int span) {
    return heldMs[span];
  }

  double chance() {
    return chance[SPANS - 1];
  }
}
