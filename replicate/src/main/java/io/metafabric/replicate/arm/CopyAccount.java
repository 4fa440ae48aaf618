package io.metafabric.replicate.arm;

import org.jspecify.annotations.Nullable;

/** Keeps to a {@link CopyBudget}. Not thread-safe. */
final class CopyAccount {
  /** Of a micro-dollar. Rounded up, so that no sum of small amounts is too low. */
  private static final double UNITS = 1e6;

  private static final double MICRO = 1e6;

  /** Who has a duty asks again within that. */
  private static final long DUTIES_WAIT_NANOS = 2_000_000_000L;

  private long dutiesFirstUntilNanos = Long.MIN_VALUE;

  /** Of the largest duty that waits until then. */
  private long waitingBytes;

  private final TokenBucket bytes;
  private final DailyAllowance dollars;
  private final CopyRoom room;
  private CopyBudget budget;

  /** Of {@link #room}. */
  private long storedBytes;

  CopyAccount(CopyBudget budget, SpentNotes notes, long nowNanos) {
    this.budget = budget;
    this.bytes = new TokenBucket(budget.bytesPerSecond(), nowNanos);
    this.dollars = new DailyAllowance(notes, nowNanos);
    this.room = new CopyRoom(budget.storedBytes());
  }

  CopyBudget budget() {
    return budget;
  }

  /** Where all copies of this region find room. */
  CopyRoom room() {
    return room;
  }

  /** From now on; what is over a new bound by then stays so until it has become less. */
  void setBudget(CopyBudget next, long nowNanos) {
    budget = next;
    bytes.setRate(next.bytesPerSecond(), nowNanos);
    room.setMaxBytes(next.storedBytes());
  }

  /**
   * Pays for a copy if all of it can be paid, and nothing otherwise.
   *
   * @return why not; null if it is paid
   */
  Decision.@Nullable Reason pay(
      long wireBytes, double microDollars, long payloadBytes, long nowNanos) {
    long amount = amount(microDollars);
    boolean isSent = wireBytes > 0; // else it takes nothing that a duty waits for
    if (isSent && (nowNanos < dutiesFirstUntilNanos || !bytes.has(wireBytes, nowNanos))) {
      return Decision.Reason.OVER_BYTES_PER_SECOND;
    }
    if (!hasDollars(amount, nowNanos)) {
      return Decision.Reason.OVER_DOLLARS_PER_DAY;
    }
    if (!room.take(payloadBytes)) {
      return Decision.Reason.OVER_STORED_BYTES;
    }
    bytes.take(wireBytes);
    dollars.take(amount);
    storedBytes += payloadBytes;
    return null;
  }

  private static long amount(double microDollars) {
    return (long) StrictMath.ceil(microDollars * UNITS);
  }

  private boolean hasDollars(long amount, long nowNanos) {
    return dollars.has(amount, dollarsPerDay(), nowNanos);
  }

  private long dollarsPerDay() {
    return (long) (budget.dollarsPerDay() * MICRO * UNITS);
  }

  /** A duty has cost so much: bargains have that much less, and none is left undone for it. */
  void owe(double microDollars, long nowNanos) {
    dollars.owe(amount(microDollars), dollarsPerDay(), nowNanos);
  }

  /** What was spent in the last day, by this opening and those before. */
  double spentDollars(long nowNanos) {
    return (double) dollars.granted(nowNanos) / UNITS / MICRO;
  }

  /** Nothing is paid from now on. */
  void end(long nowNanos) {
    dollars.end(nowNanos);
  }

  /**
   * Pays for what somebody asks for by name: dollars as for any copy, bytes as for a duty, since
   * whoever asks can wait for bytes and not for another day.
   *
   * @return why not; null if it is paid
   */
  Decision.@Nullable Reason payAsked(long wireBytes, double microDollars, long nowNanos) {
    long amount = amount(microDollars);
    if (!hasDollars(amount, nowNanos)) {
      return Decision.Reason.OVER_DOLLARS_PER_DAY;
    }
    if (!payBytes(wireBytes, nowNanos)) {
      return Decision.Reason.OVER_BYTES_PER_SECOND;
    }
    dollars.take(amount);
    return null;
  }

  /**
   * Pays with bytes alone: for a copy that is a duty, not a bargain. One that is larger than a
   * second's worth begins with that, and nothing is paid for until the rest has been earned. While
   * one waits to be paid no bargain is.
   */
  boolean payBytes(long wireBytes, long nowNanos) {
    boolean pays = bytes.has(Math.min(wireBytes, budget.bytesPerSecond()), nowNanos);
    boolean isLargest = nowNanos >= dutiesFirstUntilNanos || wireBytes >= waitingBytes;
    if (pays) {
      bytes.take(wireBytes);
    }
    // Else bargains would take what is earned before it is enough; nor does a small duty that can
    // be paid meanwhile end the turn of a larger one.
    if (pays && isLargest) {
      dutiesFirstUntilNanos = Long.MIN_VALUE;
    } else if (!pays) {
      dutiesFirstUntilNanos = nowNanos + DUTIES_WAIT_NANOS;
      waitingBytes = isLargest ? wireBytes : waitingBytes;
    }
    return pays;
  }

  void giveBackBytes(long wireBytes) {
    bytes.giveBack(wireBytes);
  }

  /** A copy was read, or is gone. */
  void release(long payloadBytes) {
    storedBytes -= payloadBytes;
    room.release(payloadBytes);
  }

  /** Of what was paid for here alone. */
  long storedBytes() {
    return storedBytes;
  }
}
