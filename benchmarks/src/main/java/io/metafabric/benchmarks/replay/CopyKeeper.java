package io.metafabric.benchmarks.replay;

/**
 * Decides for one region which changed payloads are sent there, and how long copies are kept,
 * beside a cache that keeps what it likes. Goes by what was learned of keys that were read and
 * changed before; beside that it reckons what it would have cost to have all sent and keep it, and
 * does so where that was cheaper of late. Bounded. Decides only; the copies are the caller's to
 * make and to drop. Not thread-safe; the caller owns the clock.
 */
final class CopyKeeper {
  /** The other way must have cost no more than this share. */
  private static final double HYSTERESIS = 0.9;

  /** After so many events what a way cost before weighs half. */
  private static final int FADE_EVERY = 1 << 12;

  private static final int SETTLE_EVERY = 512;

  /** What is kept. */
  public enum Way {
    BY_ODDS,
    ALL
  }

  private final UpdatePolicy policy;
  private final ReadOdds odds = new ReadOdds();

  /** Up to when it would be kept by the odds. */
  private final double[] untilMs = new double[ReadOdds.SLOTS];

  private final double[] settledMs = new double[ReadOdds.SLOTS];

  /** What storing it costs in a millisecond. */
  private final double[] storedPerMs = new double[ReadOdds.SLOTS];

  /** Of each way, of late. */
  private final double[] costs = new double[Way.values().length];

  private Way way = Way.BY_ODDS;
  private long events;

  public CopyKeeper(UpdatePolicy policy) {
    this.policy = policy;
  }

  /** The way that was cheaper of late. */
  public Way way() {
    return way;
  }

  /**
   * Another region made a version.
   *
   * @return for how long to keep it unread, in ms; 0 if it is not to be sent
   */
  public double changed(String path, UpdatePolicy.Terms terms, long nowMs) {
    int slot = slot(path, nowMs);
    odds.changed(slot, nowMs);
    storedPerMs[slot] = policy.storedPerMs(terms);
    double forMs = policy.onChange(terms, odds.afterChange(slot)).forMs();
    untilMs[slot] = nowMs + forMs;
    double sending = policy.sending(terms);
    costs[Way.ALL.ordinal()] += sending;
    costs[Way.BY_ODDS.ordinal()] += forMs > 0 ? sending : 0;
    counted(nowMs);
    return way == Way.ALL ? Double.MAX_VALUE : forMs;
  }

  /**
   * This region made a version, and so has its payload.
   *
   * @return for how long to keep it, in ms
   */
  public double changedHere(String path, UpdatePolicy.Terms terms, long nowMs) {
    int slot = slot(path, nowMs);
    odds.changedHere(slot, nowMs);
    return kept(slot, terms, nowMs);
  }

  /**
   * A read.
   *
   * @param cached whether the cache had it
   * @return for how long to keep it from when it is here, in ms
   */
  public double read(String path, UpdatePolicy.Terms terms, boolean cached, long nowMs) {
    int slot = slot(path, nowMs);
    if (!cached) {
      costs[Way.BY_ODDS.ordinal()] += untilMs[slot] <= nowMs ? policy.lack(terms) : 0;
    }
    odds.read(slot, cached, nowMs);
    return kept(slot, terms, nowMs);
  }

  private double kept(int slot, UpdatePolicy.Terms terms, long nowMs) {
    storedPerMs[slot] = policy.storedPerMs(terms);
    double forMs = policy.keep(terms, odds.afterRead(slot)).forMs();
    untilMs[slot] = nowMs + forMs;
    counted(nowMs);
    return way == Way.ALL ? Double.MAX_VALUE : forMs;
  }

  private int slot(String path, long nowMs) {
    int slot = odds.slotOf(path);
    if (slot < 0) {
      slot = odds.take(path);
      storedPerMs[slot] = 0;
      untilMs[slot] = 0;
      settledMs[slot] = nowMs;
    } else {
      settle(slot, (double) nowMs);
    }
    return slot;
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
      costs[Way.ALL.ordinal()] += Math.max(0, nowMs - settledMs[slot]) * storing;
      costs[Way.BY_ODDS.ordinal()] +=
          Math.max(0, Math.min(nowMs, untilMs[slot]) - settledMs[slot]) * storing;
    }
    settledMs[slot] = nowMs;
  }

  private void choose() {
    for (Way each : Way.values()) {
      if (costs[each.ordinal()] < costs[way.ordinal()] * HYSTERESIS) {
        way = each;
      }
    }
  }
}
