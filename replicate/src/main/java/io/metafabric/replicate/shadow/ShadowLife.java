package io.metafabric.replicate.shadow;

/**
 * How long a shadow lives: its time to live at first, if nobody reads it. It is looked at whenever
 * that time has passed: if its reads have earned what it cost since, it lives on for twice as long
 * as it was to last time, at most {@value #LONGEST} times as long as at first; if not, for half as
 * long, and it is never put off by that. Not thread-safe.
 */
final class ShadowLife {
  /** How many times as long as at first. */
  static final int LONGEST = 8;

  /** The least is this part of what it was at first. */
  static final int SHORTEST = 4;

  private final long firstNanos;
  private long span;
  private long endsNanos;
  private long looksNanos;

  ShadowLife(long ttlNanos, long nowNanos) {
    this.firstNanos = ttlNanos;
    this.span = ttlNanos;
    this.endsNanos = nowNanos + ttlNanos;
    this.looksNanos = endsNanos;
  }

  /** When it is to be looked at again. */
  boolean isDue(long nowNanos) {
    return nowNanos - looksNanos >= 0;
  }

  /** Whether its time is over. */
  boolean isOver(long nowNanos) {
    return nowNanos - endsNanos >= 0;
  }

  /** It has earned what it cost since it was looked at last. */
  void used(long nowNanos) {
    span = longerNanos();
    endsNanos = nowNanos + span;
    looksNanos = nowNanos + firstNanos;
  }

  /** For how long it lives on if it has. */
  long longerNanos() {
    long longest = Math.min(LONGEST * firstNanos, ShadowRule.MAX_TIME_TO_LIVE.toNanos());
    return Math.min(2 * span, Math.max(firstNanos, longest));
  }

  /** It has not. */
  void unused(long nowNanos) {
    span = Math.max(span / 2, firstNanos / SHORTEST);
    if (nowNanos + span - endsNanos < 0) {
      endsNanos = nowNanos + span;
    }
    looksNanos = nowNanos + Math.min(firstNanos, Math.max(endsNanos - nowNanos, 1));
  }

  /** It cannot end yet; it is looked at again after a while. */
  void putOff(long nowNanos, long nanos) {
    looksNanos = nowNanos + nanos;
  }

  /** Somebody asks for it once more. */
  ShadowLife renewed(long ttlNanos, long nowNanos) {
    var renewed = new ShadowLife(ttlNanos, nowNanos);
    if (renewed.endsNanos - endsNanos < 0) {
      renewed.endsNanos = endsNanos;
    }
    return renewed;
  }

  long leftNanos(long nowNanos) {
    return Math.max(0, endsNanos - nowNanos);
  }

  long spanNanos() {
    return span;
  }
}
