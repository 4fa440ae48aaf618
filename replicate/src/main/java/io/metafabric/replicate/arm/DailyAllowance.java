package io.metafabric.replicate.arm;

import java.util.ArrayList;

/**
 * Grants at most an amount in any 24 hours. Counts by the hour, 24 and the one that has begun, so
 * that no window of a day is left out; what was granted is free again after 24 to 25 hours. Notes
 * what it may grant before it does, some time ahead, so that the next opening counts it too: one
 * that does not end in order has granted all that it had noted, as far as anybody knows.
 *
 * <p>In integers, of a millionth of a micro-dollar. The caller owns the clock; one that goes back
 * frees nothing. Not thread-safe.
 */
final class DailyAllowance {
  private static final int HOURS = SpentDollars.HOURS;
  private static final long NANOS_PER_HOUR = 3_600_000_000_000L;

  /** Of a day's limit, so much is noted at a time: an opening that is killed costs no more. */
  private static final long PART = 256;

  /** But a ten-thousandth of a dollar at least, so that it is not noted all the time. */
  static final long LEAST_AHEAD = 100_000_000;

  private final SpentNotes notes;
  private final long beganNanos;
  private final long[] byHour = new long[HOURS];
  private long hour = HOURS - 1;
  private long sum;

  /** For the hour that has begun. */
  private long noted;

  DailyAllowance(SpentNotes notes, long nowNanos) {
    this.notes = notes;
    SpentDollars before = notes.before();
    this.beganNanos = nowNanos - before.sinceNanos() - hour * NANOS_PER_HOUR;
    for (int age = 0; age < HOURS; age++) {
      byHour[HOURS - 1 - age] = before.byAge().get(age);
      sum += before.byAge().get(age);
    }
    noted = byHour[HOURS - 1];
  }

  /** Whether so much is left, and is noted as granted. */
  boolean has(long amount, long limit, long nowNanos) {
    roll(nowNanos);
    long left = limit - sum;
    return amount == 0
        || (amount <= left && isNoted(amount, Math.min(left - amount, ahead(limit)), nowNanos));
  }

  private static long ahead(long limit) {
    return Math.max(limit / PART, LEAST_AHEAD);
  }

  private boolean isNoted(long amount, long ahead, long nowNanos) {
    long granted = byHour[place(hour)] + amount;
    if (granted > noted) {
      if (!notes.note(asOf(granted + ahead, nowNanos))) {
        return false;
      }
      noted = granted + ahead;
    }
    return true;
  }

  private SpentDollars asOf(long inThisHour, long nowNanos) {
    var byAge = new ArrayList<Long>(HOURS);
    byAge.add(inThisHour);
    for (int age = 1; age < HOURS; age++) {
      byAge.add(byHour[place(hour - age)]);
    }
    long since = nowNanos - beganNanos - hour * NANOS_PER_HOUR;
    return new SpentDollars(Math.max(0, Math.min(NANOS_PER_HOUR, since)), byAge);
  }

  private static int place(long hour) {
    return (int) (hour % HOURS);
  }

  /** What {@link #has} has just said is there. */
  void take(long amount) {
    byHour[place(hour)] += amount;
    sum += amount;
  }

  /** Takes what is owed, whatever there is: so much less is left of the limit for others. */
  void owe(long amount, long limit, long nowNanos) {
    roll(nowNanos);
    long counted = Math.min(amount, Math.max(0, 2 * SpentDollars.ALL - sum));
    isNoted(counted, ahead(limit), nowNanos);
    take(counted);
  }

  /** What has been granted of late. */
  long granted(long nowNanos) {
    roll(nowNanos);
    return sum;
  }

  /** What was noted ahead is not granted any more, so that the next opening has it. */
  void end(long nowNanos) {
    roll(nowNanos);
    long granted = byHour[place(hour)];
    if (granted < noted && notes.note(asOf(granted, nowNanos))) {
      noted = granted;
    }
  }

  private void roll(long nowNanos) {
    long now = (nowNanos - beganNanos) / NANOS_PER_HOUR;
    if (now <= hour) {
      return;
    }
    for (long next = Math.max(hour + 1, now - HOURS + 1); next <= now; next++) {
      int place = place(next);
      sum -= byHour[place];
      byHour[place] = 0;
    }
    hour = now;
    noted = 0;
  }
}
