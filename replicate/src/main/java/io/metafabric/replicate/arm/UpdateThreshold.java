package io.metafabric.replicate.arm;

/**
 * What is asked of an update that one region is sent, by what became of those before: the margin
 * goes up while updates near it bring less than was expected of them, and comes down again, but
 * never below where it began. Knows of the last update of each of the keys in the table of a {@link
 * CopyKeeper}, by its slots, whether it was read. Not thread-safe; the caller owns the clock.
 */
final class UpdateThreshold {
  static final long BYTES_A_SLOT = 2L * Float.BYTES + Byte.BYTES;

  /** Updates are many, and most are worth far more than they cost: only the next ones count. */
  private static final double NEAR = 2;

  private static final double NANOS_PER_MS = 1_000_000;

  private final PayThreshold threshold = new PayThreshold(NEAR, 0);

  /** Of benefit to cost; 0 where nothing is to be learned. */
  private final float[] expected;

  /** The same if it is read. */
  private final float[] ifRead;

  private final byte[] standsFor;

  UpdateThreshold(int slots) {
    this.expected = new float[slots];
    this.ifRead = new float[slots];
    this.standsFor = new byte[slots];
  }

  /** By how much more than before benefit must be above cost. */
  double factor(long nowMs) {
    return Math.max(1, threshold.ratio((long) (nowMs * NANOS_PER_MS)));
  }

  /**
   * It is sent, and worth that.
   *
   * @param keys of how many it tells; 0 if nobody would say that it is read
   */
  void sent(int slot, Appraisal appraisal, int keys) {
    boolean tells = keys > 0 && appraisal.cost() > 0 && appraisal.probability() > 0;
    expected[slot] = tells ? (float) appraisal.ratio() : 0;
    ifRead[slot] = tells ? (float) (appraisal.ratio() / appraisal.probability()) : 0;
    standsFor[slot] = (byte) keys;
  }

  /** What became of the last one. */
  void settled(int slot, boolean wasRead) {
    if (expected[slot] > 0) {
      for (int i = 0; i < standsFor[slot]; i++) {
        threshold.settled(expected[slot], wasRead ? ifRead[slot] : 0);
      }
      expected[slot] = 0;
    }
  }

  /** Another key has the slot now, or nothing is there any more. */
  void forget(int slot) {
    expected[slot] = 0;
  }
}
