package io.metafabric.replicate.arm;

import java.util.function.IntConsumer;

/**
 * Decides for one region which changed payloads are worth keeping there, and for how long, beside a
 * cache that keeps what it likes. Goes by what was learned of keys that were read and changed
 * before; beside that it reckons what it would have cost to have all sent and keep it, and does so
 * where that was cheaper of late. The region itself has one, which hears of everything, and each
 * region that sends it changes another, which hears what it is told. Bounded. Decides only; the
 * copies are the caller's to make and to drop. Not thread-safe; the caller owns the clock.
 */
final class CopyKeeper {
  /** Of keys that it knows at a time, where there is room. */
  static final int SLOTS = 1 << 14;

  private static final long BYTES_A_SLOT = ReadOdds.BYTES_A_SLOT + 4L * Double.BYTES;

  /** What is kept at all is kept for so long. */
  static final double LEAST_MS = 10_000;

  /** The time that looks best is mostly a little less so. */
  static final double MARGIN = 1.6;

  /** What is sent goes on being sent while it brings at least so much. */
  static final double MARGIN_TO_GO_ON = 1.4;

  /** The other way must have cost no more than this share. */
  private static final double HYSTERESIS = 0.8;

  /** After so many events what a way cost before weighs half. */
  private static final int FADE_EVERY = 1 << 12;

  private static final int SETTLE_EVERY = 512;

  /** What is kept. */
  enum Way {
    BY_ODDS,
    /** Each until {@link KeepingPolicy#longestMs}. */
    ALL
  }

  private final ReadOdds odds;
  private final IntConsumer onTaken;

  /** Up to when it would be kept by the odds. */
  private final double[] untilMs;

  /** Up to when it would be kept where all is. */
  private final double[] longestUntilMs;

  private final double[] settledMs;

  /** What storing it costs in a millisecond. */
  private final double[] storedPerMs;

  /** Of each way, of late. */
  private final double[] costs = new double[Way.values().length];

  private Way way = Way.BY_ODDS;
  private long events;

  /**
   * @param slots how many keys it knows at a time, a power of two
   * @param onTaken is told of a slot that another key has now
   */
  CopyKeeper(int slots, IntConsumer onTaken) {
    this.odds = new ReadOdds(slots);
    this.onTaken = onTaken;
    this.untilMs = new double[slots];
    this.longestUntilMs = new double[slots];
    this.settledMs = new double[slots];
    this.storedPerMs = new double[slots];
  }

  static long bytes(int slots) {
    return ReadOdds.TABLE_BYTES + slots * BYTES_A_SLOT;
  }

  /** The way that was cheaper of late. */
  Way way() {
    return way;
  }

  /** The place of a key, which it may take another's for. */
  int slot(String path, long nowMs) {
    int slot = odds.slotOf(path);
    if (slot < 0) {
      slot = odds.take(path);
      storedPerMs[slot] = 0;
      untilMs[slot] = 0;
      longestUntilMs[slot] = 0;
      settledMs[slot] = nowMs;
      onTaken.accept(slot);
    } else {
      settle(slot, (double) nowMs);
    }
    return slot;
  }

  /** The place of a key; -1 if it has none. */
  int slotOf(String path) {
    return odds.slotOf(path);
  }

  /**
   * Another region made a version.
   *
   * @return what keeping it would be worth, by the odds
   */
  Keeping changed(int slot, CopyTerms terms, KeepingPolicy policy, long nowMs) {
    odds.changed(slot, nowMs);
    return policy.keep(terms, odds.afterChange(slot));
  }

  /** What keeping what is there would be worth, though nothing has happened. */
  Keeping asItIs(int slot, CopyTerms terms, KeepingPolicy policy) {
    return policy.keep(terms, odds.isUnread(slot) ? odds.afterChange(slot) : odds.afterRead(slot));
  }

  /**
   * Whether it is kept by the odds; {@link #changed} was asked before.
   *
   * @param standsFor how many keys, where all is reckoned against what the odds say; 0 if nobody
   *     would say that it is read
   */
  void decided(
      int slot,
      CopyTerms terms,
      KeepingPolicy policy,
      Keeping by,
      boolean pays,
      int standsFor,
      long nowMs) {
    storedPerMs[slot] = standsFor * policy.storedPerMs(terms);
    double sending = standsFor * policy.sending(terms);
    costs[Way.ALL.ordinal()] += sending;
    longestUntilMs[slot] = nowMs + policy.longestMs(terms);
    if (pays) {
      untilMs[slot] = nowMs + by.forMs();
      costs[Way.BY_ODDS.ordinal()] += sending;
    } else {
      untilMs[slot] = nowMs;
    }
    counted(nowMs);
  }

  /** The version that was made last is sent; for how many keys its first read will be told. */
  void sent(int slot, int standsFor) {
    odds.sent(slot, standsFor);
  }

  /** What to do with what is kept for some time, as things are. */
  double forMs(Keeping by, CopyTerms terms, KeepingPolicy policy) {
    double forMs = way == Way.ALL ? Math.max(by.forMs(), policy.longestMs(terms)) : by.forMs();
    return forMs > 0 ? Math.max(LEAST_MS, forMs) : 0;
  }

  /** This region made a version, and so has its payload. */
  Keeping changedHere(int slot, CopyTerms terms, KeepingPolicy policy, int standsFor, long nowMs) {
    odds.changedHere(slot, nowMs);
    return kept(slot, terms, policy, standsFor, nowMs);
  }

  /** Whether the version of a key that came last from elsewhere has not been read there. */
  boolean isUnread(int slot) {
    return odds.isUnread(slot);
  }

  /**
   * A read.
   *
   * @param cached whether the cache had it
   * @param standsFor how many keys, as in {@link #decided}
   * @return for how long to keep it from when it is here
   */
  Keeping read(
      int slot, CopyTerms terms, KeepingPolicy policy, boolean cached, int standsFor, long nowMs) {
    if (!cached) {
      double lack = standsFor * policy.lack(terms);
      costs[Way.BY_ODDS.ordinal()] += untilMs[slot] <= nowMs ? lack : 0;
      costs[Way.ALL.ordinal()] += longestUntilMs[slot] <= nowMs ? lack : 0;
    }
    odds.read(slot, cached, nowMs);
    return kept(slot, terms, policy, standsFor, nowMs);
  }

  private Keeping kept(int slot, CopyTerms terms, KeepingPolicy policy, int standsFor, long nowMs) {
    storedPerMs[slot] = standsFor * policy.storedPerMs(terms);
    Keeping keeping = policy.keep(terms, odds.afterRead(slot));
    untilMs[slot] = nowMs + keeping.forMs();
    longestUntilMs[slot] = nowMs + policy.longestMs(terms);
    counted(nowMs);
    return keeping;
  }

  private void counted(long nowMs) {
    events++;
    if (events % FADE_EVERY == 0) {
      for (int i = 0; i < costs.length; i++) {
        costs[i] /= 2;
      }
    }
    if (events % SETTLE_EVERY == 0) {
      for (int slot = 0; slot < storedPerMs.length; slot++) {
        settle(slot, (double) nowMs);
      }
      if (events >= FADE_EVERY) {
        choose();
      }
    }
  }

  private void settle(int slot, double nowMs) {
    double storing = storedPerMs[slot];
    if (storing > 0) {
      costs[Way.ALL.ordinal()] += heldMs(longestUntilMs[slot], slot, nowMs) * storing;
      costs[Way.BY_ODDS.ordinal()] += heldMs(untilMs[slot], slot, nowMs) * storing;
    }
    settledMs[slot] = nowMs;
  }

  /** For how long it was held since it was settled last. */
  private double heldMs(double untilMs, int slot, double nowMs) {
    return Math.max(0, Math.min(nowMs, untilMs) - settledMs[slot]);
  }

  private void choose() {
    for (Way each : Way.values()) {
      if (costs[each.ordinal()] < costs[way.ordinal()] * HYSTERESIS) {
        way = each;
      }
    }
  }
}
