package io.metafabric.replicate.arm;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.FrameCodec;
import java.time.Duration;
import java.util.Collections;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides what regions are sent when a key is written that they need not hold: the payload if not
 * to have it there, should somebody read it before the next write, would cost more than its
 * transfer and its storage. What was decided last stays until the other is clearly better. Of each
 * region it has a {@link CopyKeeper}, which hears what a node is told: the writes, what the region
 * fetches here, and what it says that it reads. Bounded. Not thread-safe; the caller owns the
 * clock, the budget and the log.
 */
final class UpdateManager {
  /**
   * Regions of which something is learned at a time, as many as there can be members. Of more, the
   * one that was heard of longest ago gives way: it is a member no more.
   */
  static final int MAX_REGIONS = FrameCodec.MAX_REGIONS;

  /** So many regions have a table of {@link CopyKeeper#SLOTS} keys, those that were met first. */
  static final int WITH_ALL_SLOTS = 8;

  /** Of the others, so that many regions take no more than twice the memory of these. */
  static final int FEWER_SLOTS = CopyKeeper.SLOTS / 8;

  static final long MAX_BYTES =
      WITH_ALL_SLOTS * Region.bytes(CopyKeeper.SLOTS)
          + (MAX_REGIONS - WITH_ALL_SLOTS) * Region.bytes(FEWER_SLOTS);

  /** A region that did not take such a payload is sent no other for so long. */
  static final long NOT_TAKEN_MS = 60_000;

  private static final double MAX_HORIZON_MS = 1e15;

  /** About so many copies sent tell how full a region is. */
  private static final double PRESSURE_OVER = 64;

  private static final double MAX_PRESSURE = 100;

  /** What it did not take weighs half after so long, half an hour. */
  static final double PRESSURE_HALF_LIFE_MS = 30 * 60_000;

  private static final class Region {
    final int slots;
    final SentUpdates sent;
    final UpdateThreshold threshold;
    final CopyKeeper keeper;
    long takesNoneUntilMs = Long.MIN_VALUE;
    long heardOfMs;

    /** Of the copies that it was sent of late, how many it did not take or keep. */
    private double notTaken;

    private long fadedMs = Long.MIN_VALUE;

    Region(int slots) {
      this.slots = slots;
      this.sent = new SentUpdates(slots);
      this.threshold = new UpdateThreshold(slots);
      this.keeper = new CopyKeeper(slots, this::forget);
    }

    static long bytes(int slots) {
      return CopyKeeper.bytes(slots)
          + slots * (SentUpdates.BYTES_A_SLOT + UpdateThreshold.BYTES_A_SLOT);
    }

    void forget(int slot) {
      sent.forget(slot);
      threshold.forget(slot);
    }

    private void fade(long nowMs) {
      if (notTaken > 0 && nowMs > fadedMs) {
        notTaken *= StrictMath.pow(0.5, (nowMs - fadedMs) / PRESSURE_HALF_LIFE_MS);
      }
      fadedMs = Math.max(fadedMs, nowMs);
    }

    /** Taken, as far as is known. */
    void sentOne(long nowMs) {
      fade(nowMs);
      notTaken -= notTaken / PRESSURE_OVER;
    }

    /** One that was sent was not taken, or is not kept: it was counted as taken. */
    void tookNot(long nowMs) {
      fade(nowMs);
      notTaken = Math.min(1, notTaken + 1 / PRESSURE_OVER);
    }

    /** 1 where all is taken; what makes room for a copy there costs others theirs. */
    double pressure(long nowMs) {
      fade(nowMs);
      return Math.min(MAX_PRESSURE, 1 / (1 - notTaken));
    }

    boolean takesUnasked(long nowMs) {
      return nowMs >= takesNoneUntilMs;
    }
  }

  private final Map<RegionName, Region> regions = new TreeMap<>();
  private final Map<RegionName, UpdateTotals> totals = new TreeMap<>();

  private Region region(RegionName name, long nowMs) {
    Region known = regions.get(name);
    if (known == null) {
      known = met(name);
    }
    known.heardOfMs = nowMs;
    return known;
  }

  private Region met(RegionName name) {
    if (regions.size() >= MAX_REGIONS) {
      regions.remove(
          Collections.min(
                  regions.entrySet(), Comparator.comparingLong(each -> each.getValue().heardOfMs))
              .getKey());
    }
    long withAll = regions.values().stream().filter(each -> each.slots == CopyKeeper.SLOTS).count();
    var region = new Region(withAll < WITH_ALL_SLOTS ? CopyKeeper.SLOTS : FEWER_SLOTS);
    regions.put(name, region);
    return region;
  }

  private void count(RegionName region, UpdateTotals more) {
    totals.merge(region, more, UpdateTotals::plus);
  }

  /**
   * Somebody reads a key in a region.
   *
   * @param fetched whether it was fetched here; else the region says so
   * @param isShadow whether it has a shadow, of which it counts itself what that saves
   */
  void read(
      Key key,
      CopyTerms terms,
      KeepingPolicy policy,
      boolean fetched,
      boolean isShadow,
      long nowMs) {
    Region there = region(terms.to(), nowMs);
    int slot = there.keeper.slot(key.path(), nowMs);
    int standsFor = ToldReads.standsFor(key.path(), terms.payloadBytes());
    if (there.keeper.isUnread(slot)) {
      there.threshold.settled(slot, !fetched);
    }
    boolean isSaved = !fetched && !isShadow && there.keeper.isUnread(slot);
    if (isSaved && there.sent.last(slot) == Update.PUSH) {
      double dollarsPerMs = policy.prices().saved(terms.to()) / 1e6;
      count(terms.to(), UpdateTotals.NONE.withRead(standsFor, terms.remoteMs(), dollarsPerMs));
    }
    there.keeper.read(slot, terms, policy, false, standsFor, nowMs);
    there.sent.read(slot, nowMs);
  }

  /** A region made a version of a key, and so has its payload. */
  void wrote(Key key, CopyTerms terms, KeepingPolicy policy, long nowMs) {
    Region there = region(terms.to(), nowMs);
    int slot = there.keeper.slot(key.path(), nowMs);
    int standsFor = ToldReads.standsFor(key.path(), terms.payloadBytes());
    there.keeper.changedHere(slot, terms, policy, standsFor, nowMs);
    there.sent.read(slot, nowMs);
  }

  /** A region has not taken a payload, or has a copy no more. */
  void dropped(Key key, RegionName region, long nowMs) {
    Region there = region(region, nowMs);
    int slot = there.keeper.slotOf(key.path());
    if (slot >= 0) {
      there.forget(slot);
    }
    there.tookNot(nowMs);
    there.takesNoneUntilMs = nowMs + NOT_TAKEN_MS;
  }

  /** What was decided for the write before; null if it is a new one. */
  @Nullable Update decidedOn(CopyWrite write, long nowMs) {
    Region there = region(write.terms().to(), nowMs);
    int slot = there.keeper.slotOf(write.key().path());
    return slot < 0 ? null : there.sent.decidedOn(slot, write.dot());
  }

  /** Prices the update; whether it can be paid is for the caller to say, with {@link #decided}. */
  Decision price(CopyWrite write, KeepingPolicy policy, long nowMs) {
    CopyTerms terms = write.terms();
    Region there = region(terms.to(), nowMs);
    int slot = there.keeper.slot(write.key().path(), nowMs);
    there.threshold.settled(slot, false);
    Keeping keeping = there.keeper.changed(slot, terms, policy, nowMs);
    var appraisal =
        new Appraisal(
            keeping.chance(),
            1,
            0,
            terms.remoteMs(),
            policy.prices().saved(terms.to()),
            policy.lack(terms) - policy.waiting(terms),
            policy.sending(terms),
            write.isShadow() ? 0 : keeping.storing(),
            0,
            write.linkPressure(),
            there.pressure(nowMs));
    boolean goesOn = there.sent.last(slot) == Update.PUSH;
    double margin = goesOn ? CopyKeeper.MARGIN_TO_GO_ON : CopyKeeper.MARGIN;
    double least = margin * there.threshold.factor(nowMs);
    boolean pays = appraisal.benefit() > appraisal.cost() * least;
    int standsFor = ToldReads.standsFor(write.key().path(), terms.payloadBytes());
    there.keeper.decided(slot, terms, policy, keeping, pays, standsFor, nowMs);
    boolean all = there.keeper.way() == CopyKeeper.Way.ALL;
    boolean sends =
        write.isPromised() || ((pays || all) && (write.holds() || there.takesUnasked(nowMs)));
    Decision.Reason reason =
        sends
            ? Decision.Reason.PUSHED
            : there.sent.isForLongNotWorthIt(slot, nowMs)
                ? Decision.Reason.DROPPED
                : Decision.Reason.INVALIDATED;
    double asked = all || write.isPromised() ? 0 : least;
    return new Decision(candidate(write, keeping, all), appraisal, asked, reason);
  }

  private static Candidate candidate(CopyWrite write, Keeping keeping, boolean all) {
    CopyTerms terms = write.terms();
    var prediction =
        new Prediction(
            write.key(),
            terms.to(),
            keeping.chance(),
            Duration.ofMillis((long) Math.min(MAX_HORIZON_MS, keeping.forMs())),
            what(write) + terms.to() + (all ? ", where to keep all was cheaper of late" : ""),
            "copies");
    return new Candidate(
        prediction,
        terms.from(),
        terms.payloadBytes(),
        terms.remoteMs(),
        0,
        write.linkPressure(),
        0);
  }

  private static String what(CopyWrite write) {
    if (write.isShadow()) {
      return "update of the shadow in ";
    }
    return write.holds() ? "update of the copy in " : "first copy in ";
  }

  /** What becomes of it, with the budget's word. */
  Update decided(CopyWrite write, Decision decision, long nowMs) {
    RegionName to = write.terms().to();
    Region there = region(to, nowMs);
    Update update = updateOf(decision);
    int slot = there.keeper.slot(write.key().path(), nowMs);
    if (update == Update.PUSH) {
      int standsFor = ToldReads.standsFor(write.key().path(), write.terms().payloadBytes());
      there.keeper.sent(slot, standsFor);
      boolean isBargain = decision.leastRatio() > 0;
      there.threshold.sent(slot, decision.appraisal(), isBargain ? standsFor : 0);
      there.sentOne(nowMs);
      double dollars = decision.appraisal().price() / 1e6;
      count(to, UpdateTotals.NONE.withPush(write.terms().payloadBytes(), write.holds(), dollars));
    } else if (isRefused(decision)) {
      count(to, UpdateTotals.NONE.withRefused());
    } else if (write.holds()) {
      count(
          to,
          update == Update.DROP
              ? UpdateTotals.NONE.withDropped()
              : UpdateTotals.NONE.withInvalidated());
    }
    there.sent.decided(slot, write.dot(), update, nowMs);
    return update;
  }

  private static boolean isRefused(Decision decision) {
    return updateOf(decision) == Update.INVALIDATE
        && decision.reason() != Decision.Reason.INVALIDATED;
  }

  private static Update updateOf(Decision decision) {
    return switch (decision.reason()) {
      case PUSHED -> Update.PUSH;
      case DROPPED -> Update.DROP;
      default -> Update.INVALIDATE;
    };
  }

  Map<RegionName, UpdateTotals> totals() {
    return Map.copyOf(totals);
  }

  long retainedBytes() {
    return regions.values().stream().mapToLong(each -> Region.bytes(each.slots)).sum();
  }
}
