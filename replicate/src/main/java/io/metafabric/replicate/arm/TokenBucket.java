package io.metafabric.replicate.arm;

/**
 * In any t seconds it grants at most its rate and t times its rate, in bytes: a second's worth may
 * go at once after a pause.
 *
 * <p>Counts in integers, so that the bound holds to the byte however often it is asked. The caller
 * owns the clock; one that goes back earns nothing. Not thread-safe.
 */
final class TokenBucket {
  /** Credit is kept in units of a billionth of a byte, and a full bucket must fit in a long. */
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  static final long MAX_BYTES = Long.MAX_VALUE / NANOS_PER_SECOND;

  private long bytesPerSecond;
  private long credit;
  private long lastNanos;

  /**
   * @param bytesPerSecond 1 to {@link #MAX_BYTES}
   */
  TokenBucket(long bytesPerSecond, long nowNanos) {
    this.bytesPerSecond = bytesPerSecond;
    this.credit = bytesPerSecond * NANOS_PER_SECOND;
    this.lastNanos = nowNanos;
  }

  /** From now on; credit that a bucket of the new size would not hold is gone. */
  void setRate(long newBytesPerSecond, long nowNanos) {
    refill(nowNanos);
    bytesPerSecond = newBytesPerSecond;
    credit = Math.min(credit, newBytesPerSecond * NANOS_PER_SECOND);
  }

  boolean has(long bytes, long nowNanos) {
    refill(nowNanos);
    return bytes <= credit / NANOS_PER_SECOND;
  }

  /** What {@link #has} has just said is there; of what is more, nothing is there until it is. */
  void take(long bytes) {
    credit -= bytes * NANOS_PER_SECOND;
  }

  /** What was taken was not spent. */
  void giveBack(long bytes) {
    credit = Math.min(credit + bytes * NANOS_PER_SECOND, bytesPerSecond * NANOS_PER_SECOND);
  }

  private void refill(long nowNanos) {
    long passed = nowNanos - lastNanos;
    if (passed <= 0) {
      return;
    }
    lastNanos = nowNanos;
    // Compared by division, because after a long pause the product would overflow.
    if (passed > (bytesPerSecond * NANOS_PER_SECOND - credit) / bytesPerSecond) {
      credit = bytesPerSecond * NANOS_PER_SECOND;
    } else {
      credit += passed * bytesPerSecond;
    }
  }
}
