package io.metafabric.predict;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long needs take to come: what a horizon in needs is in time. A mean over about the last
 * thousand, so that a burst does not make it nothing. Not thread-safe.
 */
final class NeedPace {
  private static final int NEEDS_PER_LOOK = 64;
  private static final int LOOKS = 16;

  /** Keeps the arithmetic of those who add it to a time in bounds. */
  private static final double MOST_MS_PER_NEED = Duration.ofDays(1).toMillis();

  private double msPerNeed = Double.NaN;
  private long lookedAtMs = Long.MIN_VALUE;
  private int needs;
  private int looks;

  /**
   * @param nowMs less than the time before if the clock was set right; that took no time
   */
  void need(long nowMs) {
    if (lookedAtMs == Long.MIN_VALUE) {
      lookedAtMs = nowMs;
    }
    needs++;
    if (needs == NEEDS_PER_LOOK) {
      // As doubles: times may be so far apart that their difference is no long.
      double elapsedMs = Math.max(0, (double) nowMs - lookedAtMs);
      double now = Math.min(MOST_MS_PER_NEED, elapsedMs / NEEDS_PER_LOOK);
      looks = Math.min(LOOKS, looks + 1);
      msPerNeed = looks == 1 ? now : msPerNeed + (now - msPerNeed) / looks;
      lookedAtMs = nowMs;
      needs = 0;
    }
  }

  /** In which so many needs come; null before there have been enough to tell. */
  @Nullable Duration timeOf(int count) {
    return Double.isNaN(msPerNeed) ? null : Duration.ofNanos((long) (msPerNeed * count * 1e6));
  }
}
