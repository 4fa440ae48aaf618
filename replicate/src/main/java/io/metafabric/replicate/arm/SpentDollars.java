package io.metafabric.replicate.arm;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What was spent of late, by the hour, in millionths of a micro-dollar. Immutable.
 *
 * @param sinceNanos how long ago the first of these hours began
 * @param byAge of that hour, the one before it, and so on: {@value #HOURS} in all
 */
public record SpentDollars(long sinceNanos, List<Long> byAge) {
  static final int HOURS = 25;

  /** All is forgotten by then. */
  private static final long MOST_NANOS = 100 * 3_600_000_000_000L;

  /** More than any budget allows. */
  static final long ALL = (long) (CopyBudget.MAX_DOLLARS * 1e12);

  static final SpentDollars NOTHING = new SpentDollars(0, Collections.nCopies(HOURS, 0L));

  /** Where it is not known, nothing more is spent before a day has passed. */
  static final SpentDollars UNKNOWN = inThisHour(ALL);

  public SpentDollars {
    byAge = List.copyOf(byAge);
    if (!isPossible(sinceNanos, byAge)) {
      throw new IllegalArgumentException(
          "not what can have been spent in " + HOURS + " hours: " + byAge + ", " + sinceNanos);
    }
  }

  /** Sums that are far below what a long holds, and far above any budget. */
  static boolean isPossible(long sinceNanos, List<Long> byAge) {
    long left = 3 * ALL;
    for (long each : byAge) {
      if (each < 0 || each > left) {
        return false;
      }
      left -= each;
    }
    return byAge.size() == HOURS && sinceNanos >= 0 && sinceNanos <= MOST_NANOS;
  }

  private static SpentDollars inThisHour(long amount) {
    var byAge = new ArrayList<>(Collections.nCopies(HOURS, 0L));
    byAge.set(0, amount);
    return new SpentDollars(0, byAge);
  }

  /** The same when so much time has passed. */
  SpentDollars after(long nanos) {
    return new SpentDollars(sinceNanos + nanos, byAge);
  }
}
