package io.metafabric.replicate.arm;

/**
 * How often something happens to each of the keys to which it happens most, as a rate that fades by
 * half in five minutes. A table of {@value #SLOTS} counters: of the keys that share a place the
 * seldomest gives way, and counts as never. Draws nothing by chance. Thread-safe; the caller owns
 * the clock.
 */
final class EventRates {
  private static final int SLOTS = 1 << 14;
  private static final int WAYS = 4;
  private static final double HALF_LIFE_SECONDS = 300;

  /** What a steady rate of 1 a second comes to is 1 over this. */
  private static final double PER_COUNT = StrictMath.log(2) / HALF_LIFE_SECONDS;

  private static final long NANOS_PER_SECOND = 1_000_000_000;

  /** Halvings before all counters are written anew, far from what a float can hold. */
  private static final double MAX_HALVINGS = 60;

  static final int BYTES = SLOTS * (Integer.BYTES + Float.BYTES);

  private final int[] hashes = new int[SLOTS];

  /**
   * What happened at second s counts 2^(s / half-life), so that of nothing that is counted the
   * fading must be written down.
   */
  private final float[] counts = new float[SLOTS];

  private final long beganNanos;
  private long second;
  private long landmark;
  private double weight = 1;

  EventRates(long nowNanos) {
    this.beganNanos = nowNanos;
  }

  synchronized void count(String path, long nowNanos) {
    advance(nowNanos);
    int hash = spread(path.hashCode());
    int first = (hash & (SLOTS / WAYS - 1)) * WAYS;
    int seldomest = first;
    for (int i = first; i < first + WAYS; i++) {
      if (hashes[i] == hash) {
        counts[i] += (float) weight;
        return;
      }
      if (counts[i] < counts[seldomest]) {
        seldomest = i;
      }
    }
    hashes[seldomest] = hash;
    counts[seldomest] = (float) weight;
  }

  synchronized double perSecond(String path, long nowNanos) {
    advance(nowNanos);
    int hash = spread(path.hashCode());
    int first = (hash & (SLOTS / WAYS - 1)) * WAYS;
    for (int i = first; i < first + WAYS; i++) {
      if (hashes[i] == hash) {
        return counts[i] / weight * PER_COUNT;
      }
    }
    return 0;
  }

  private void advance(long nowNanos) {
    long now = (nowNanos - beganNanos) / NANOS_PER_SECOND;
    if (now <= second) {
      return;
    }
    second = now;
    weight = StrictMath.pow(2, (second - landmark) / HALF_LIFE_SECONDS);
    if (second - landmark > MAX_HALVINGS * HALF_LIFE_SECONDS) {
      for (int i = 0; i < SLOTS; i++) {
        counts[i] = (float) (counts[i] / weight);
      }
      landmark = second;
      weight = 1;
    }
  }

  /** Hashes of texts differ least where a table looks. */
  private static int spread(int hash) {
    int h = (hash ^ (hash >>> 16)) * 0x85ebca6b;
    h = (h ^ (h >>> 13)) * 0xc2b2ae35;
    return h ^ (h >>> 16);
  }
}
