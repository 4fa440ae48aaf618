package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * When to ask a second region for what a read waits for, and how often that is allowed. Belongs to
 * the loop; the counters are for any thread.
 */
final class Hedges {
  /** An answer is late when it is so much later than the percentile: not by jitter alone. */
  private static final double LATE = 1.25;

  private final Hedging config;
  private final HedgeBudget budget;
  private final Map<RegionName, RecentTimes> times = new HashMap<>();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong won = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();

  Hedges(Hedging config) {
    this.config = config;
    this.budget = new HedgeBudget(config.maxExtraShare());
  }

  boolean isOff() {
    return config.isOff();
  }

  /** A read has begun to wait for a region. */
  void requested() {
    budget.requested();
  }

  /** An answer came, or was given up, after so long. */
  void took(RegionName from, double ms) {
    times.computeIfAbsent(from, region -> new RecentTimes()).add(ms);
  }

  /** After how long an answer of the region is late; NaN if too little is known. */
  double lateAfterMs(RegionName from) {
    RecentTimes known = times.get(from);
    return known == null ? Double.NaN : LATE * known.percentileMs(config.percentile());
  }

  /** After how long it is later than all of late; NaN if too little is known. */
  double latestAfterMs(RegionName from) {
    RecentTimes known = times.get(from);
    return known == null ? Double.NaN : LATE * known.longestMs();
  }

  /**
   * Whether a second region is likely to answer before the first, which has taken so long already.
   *
   * @param secondMs what the second may take; NaN if that is not known
   */
  boolean isSooner(RegionName first, double soFarMs, double secondMs) {
    RecentTimes known = times.get(first);
    double usuallyMs = known == null ? Double.NaN : known.meanBeyondMs(soFarMs);
    // Nothing took so long of late: it may as well never come.
    return Double.isNaN(usuallyMs) || usuallyMs - soFarMs > secondMs;
  }

  /** Whether one more may be sent; if so, it counts as sent. */
  boolean trySend() {
    boolean allowed = budget.tryTake();
    (allowed ? sent : refused).incrementAndGet();
    return allowed;
  }

  /** The second region answered first. */
  void won() {
    won.incrementAndGet();
  }

  long sentTotal() {
    return sent.get();
  }

  long wonTotal() {
    return won.get();
  }

  long refusedTotal() {
    return refused.get();
  }
}
