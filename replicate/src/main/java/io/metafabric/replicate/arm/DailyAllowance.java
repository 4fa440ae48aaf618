package io.metafabric.replicate.arm;

/**
 * Grants at most an amount in any 24 hours. Counts by the hour, 24 and the one that has begun, so
 * that no window of a day is left out; what was granted is free again after 24 to 25 hours.
 *
 * <p>In integers, of a millionth of a micro-dollar. The caller owns the clock; one that goes back
 * frees nothing. Not thread-safe.
 */
final class DailyAllowance {
  private static final int HOURS = 25;
  private static final long NANOS_PER_HOUR = 3_600_000_000_000L;

  private final long beganNanos;
  private final long[] byHour = new long[HOURS];
  private long hour;
  private long sum;

  DailyAllowance(long nowNanos) {
    this.beganNanos = nowNanos;
  }

  boolean has(long amount, long limit, long nowNanos) {
    roll(nowNanos);
    return amount <= limit - sum;
  }

  /** What {@link #has} has just said is there. */
  void take(long amount) {
    byHour[(int) (hour % HOURS)] += amount;
    sum += amount;
  }

  private void roll(long nowNanos) {
    long now = (nowNanos - beganNanos) / NANOS_PER_HOUR;
    for (long next = Math.max(hour + 1, now - HOURS + 1); next <= now; next++) {
      int place = (int) (next % HOURS);
      sum -= byHour[place];
      byHour[place] = 0;
    }
    hour = Math.max(hour, now);
  }
}
