package io.metafabric.replicate.arm;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides what regions with a copy are sent when its key is written: the payload if the waiting
 * that it saves, should somebody read there before the next write, is worth more than its transfer.
 * What was decided last stays until the other is clearly better. Not thread-safe; the caller owns
 * the clock, the budget and the log.
 */
final class UpdateManager {
  /** A push goes on while it brings at least so much of its cost. */
  private static final double LEAST_TO_GO_ON = 0.8;

  /** And begins again only when it brings so much. */
  private static final double LEAST_TO_BEGIN_AGAIN = 1.25;

  private static final double MAX_HORIZON_SECONDS = 1e6;

  private final RemoteCopies copies = new RemoteCopies();
  private final Map<RegionName, UpdateTotals> totals = new TreeMap<>();

  void gaveCopy(Key key, RegionName region, long nowNanos) {
    copies.getOrBegin(key, region, nowNanos).fetched(nowNanos);
  }

  void told(Key key, RegionName region, double readsPerSecond) {
    RemoteCopy copy = copies.get(key, region);
    if (copy != null) {
      copy.told(readsPerSecond);
    }
  }

  void dropped(Key key, RegionName region) {
    copies.remove(key, region);
  }

  /** What was decided for the write before; null if it is a new one. */
  @Nullable Update decidedOn(CopyWrite write) {
    RemoteCopy copy = copies.get(write.key(), write.holder());
    return copy == null ? null : copy.decidedOn(write.dot());
  }

  /** Prices the update; whether it can be paid is for the caller to say, with {@link #decided}. */
  Decision price(CopyWrite write, Prices prices, long nowNanos) {
    RemoteCopy copy = copies.getOrBegin(write.key(), write.holder(), nowNanos);
    copy.written(nowNanos);
    double seconds = Math.min(MAX_HORIZON_SECONDS, 1 / copy.writesPerSecond());
    var prediction =
        new Prediction(
            write.key(),
            write.holder(),
            copy.readFirst(),
            Duration.ofMillis((long) (seconds * 1000)),
            "update of the copy in " + write.holder(),
            "copies");
    var candidate =
        new Candidate(
            prediction,
            write.from(),
            write.payloadBytes(),
            write.remoteMs(),
            0,
            write.linkPressure(),
            0);
    var appraisal =
        new Appraisal(
            copy.readFirst(),
            1,
            0,
            write.remoteMs(),
            prices.saved(write.holder()),
            write.payloadBytes() * prices.transferred(write.from(), write.holder()),
            0,
            0,
            write.linkPressure(),
            1);
    double least = leastRatio(copy.last());
    Decision.Reason reason = Decision.Reason.PUSHED;
    if (!(appraisal.benefit() > appraisal.cost() * least)) {
      reason =
          copy.isForLongNotWorthIt(nowNanos)
              ? Decision.Reason.DROPPED
              : Decision.Reason.INVALIDATED;
    }
    return new Decision(candidate, appraisal, least, reason);
  }

  private static double leastRatio(@Nullable Update last) {
    if (last == null) {
      return 1;
    }
    return last == Update.PUSH ? LEAST_TO_GO_ON : LEAST_TO_BEGIN_AGAIN;
  }

  /** What becomes of it, with the budget's word. */
  Update decided(CopyWrite write, Decision decision, long nowNanos) {
    Update update =
        switch (decision.reason()) {
          case PUSHED -> Update.PUSH;
          case DROPPED -> Update.DROP;
          default -> Update.INVALIDATE;
        };
    UpdateTotals before = totals.getOrDefault(write.holder(), UpdateTotals.NONE);
    boolean refused =
        update == Update.INVALIDATE && decision.reason() != Decision.Reason.INVALIDATED;
    totals.put(
        write.holder(), refused ? before.withRefused() : before.with(update, write.payloadBytes()));
    RemoteCopy copy = copies.get(write.key(), write.holder());
    if (update == Update.DROP) {
      copies.remove(write.key(), write.holder());
    } else if (copy != null) {
      copy.decided(write.dot(), update, nowNanos);
    }
    return update;
  }

  Map<RegionName, UpdateTotals> totals() {
    return Map.copyOf(totals);
  }

  long retainedBytes() {
    return copies.retainedBytes();
  }
}
