package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;

/**
 * A token bucket: in any t seconds it grants at most its burst and t times its rate, in bytes.
 *
 * <p>Counts in integers, so that the bound holds to the byte however often it is asked. The caller
 * owns the clock. Not thread-safe.
 */
final class CopyBudget {
  /** Credit is kept in units of a billionth of a byte, and a full bucket must fit in a long. */
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  static final long MAX_BYTES = Long.MAX_VALUE / NANOS_PER_SECOND;

  private final long bytesPerSecond;
  private final long fullCredit;
  private long credit;
  private long lastNanos;
  private long grantedBytes;
  private long refusedBytes;

  /**
   * @param bytesPerSecond at least 1
   * @param burstBytes what may be granted at once after a pause; at least 1
   */
  CopyBudget(long bytesPerSecond, long burstBytes, long nowNanos) {
    requireInRange("bytes per second", bytesPerSecond);
    requireInRange("burst bytes", burstBytes);
    this.bytesPerSecond = bytesPerSecond;
    this.fullCredit = burstBytes * NANOS_PER_SECOND;
    this.credit = fullCredit;
    this.lastNanos = nowNanos;
  }

  private static void requireInRange(String what, long value) {
    if (value < 1 || value > MAX_BYTES) {
      throw new ConfigurationException(
          "a copy budget needs 1 to " + MAX_BYTES + " " + what + ", was " + value);
    }
  }

  /** Takes {@code bytes} if there are as many; otherwise takes none and counts them as refused. */
  boolean take(long bytes, long nowNanos) {
    refill(nowNanos);
    if (bytes > credit / NANOS_PER_SECOND) {
      refusedBytes += bytes;
      return false;
    }
    credit -= bytes * NANOS_PER_SECOND;
    grantedBytes += bytes;
    return true;
  }

  private void refill(long nowNanos) {
    long passed = nowNanos - lastNanos;
    if (passed <= 0) {
      return;
    }
    lastNanos = nowNanos;
    // Compared by division, because after a long pause the product would overflow.
    if (passed > (fullCredit - credit) / bytesPerSecond) {
      credit = fullCredit;
    } else {
      credit += passed * bytesPerSecond;
    }
  }

  long grantedBytes() {
    return grantedBytes;
  }

  long refusedBytes() {
    return refusedBytes;
  }
}
