package io.metafabric.replicate;

/**
 * Bytes a second that may be worked on: a bucket that runs full within a second, and may be
 * overdrawn by what has been spent already. Not thread-safe.
 */
final class ByteBudget {
  private final double bytesPerSecond;
  private double left;
  private long asOfNanos;

  ByteBudget(long bytesPerSecond, long nowNanos) {
    this.bytesPerSecond = bytesPerSecond;
    this.left = this.bytesPerSecond;
    this.asOfNanos = nowNanos;
  }

  void spend(long bytes) {
    left -= (double) bytes;
  }

  /** Until something is left; 0 if it is now. */
  long waitNanos(long nowNanos) {
    left = Math.min(bytesPerSecond, left + (nowNanos - asOfNanos) / 1e9 * bytesPerSecond);
    asOfNanos = nowNanos;
    return left >= 0 ? 0 : (long) Math.ceil(-left / bytesPerSecond * 1e9);
  }
}
