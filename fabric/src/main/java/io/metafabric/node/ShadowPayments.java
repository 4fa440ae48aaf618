package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.FetchPath;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.arm.CopyTerms;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.arm.ShadowDecision;
import io.metafabric.replicate.arm.ShadowUse;
import io.metafabric.replicate.shadow.ShadowShelf;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What shadows cost this region, and whether it can pay: puts the question to the ARM, and waits
 * for bytes where somebody waits for a shadow. Has no state of its own; belongs to the loop.
 */
final class ShadowPayments {
  /** For so long in all a request by name waits until its bytes are earned. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final Duration ASK_AGAIN = Duration.ofMillis(100);
  private static final double NANOS_PER_MS = 1e6;

  private final RegionName region;
  private final ReplicationManager arm;
  private final Replicator replicator;
  private final SerialExecutor loop;
  private final Clock clock;

  ShadowPayments(
      RegionName region,
      ReplicationManager arm,
      Replicator replicator,
      SerialExecutor loop,
      Clock clock) {
    this.region = region;
    this.arm = arm;
    this.replicator = replicator;
    this.loop = loop;
    this.clock = clock;
  }

  /**
   * For one that is made here, or lives on, for its time to live.
   *
   * @param isSent whether its payload is transferred for that
   * @return null if nobody is known who has the payload, by whom to price it
   */
  @Nullable ShadowDecision keep(Key key, Header header, ShadowTerms terms, boolean isSent) {
    CopyTerms copy = copyHere(key, header);
    return copy == null
        ? null
        : arm.makeShadow(copy, isSent, terms.ttlNanos() / NANOS_PER_MS, clock.nanoTime());
  }

  /**
   * What one here has earned since it was looked at.
   *
   * @return null if nobody is known who has the payload, by whom to price it
   */
  @Nullable ShadowDecision earned(ShadowShelf.Due due) {
    CopyTerms copy = copyHere(due.key(), due.header());
    ShadowShelf.Used used = due.used();
    return copy == null
        ? null
        : arm.earnedByShadow(
            new ShadowUse(
                copy,
                used.reads() + servedReads(used.fetches(), copy.remoteMs()),
                used.updates(),
                used.updateBytes(),
                used.readBytes(),
                used.overNanos() / NANOS_PER_MS));
  }

  /**
   * Fetches by others, as so many reads here as would have waited for as long. Whoever asks here is
   * as far from the home as this region, less the way between the two: it spared that at least.
   */
  private long servedReads(Map<RegionName, Long> fetches, double remoteMs) {
    double sparedMs = 0;
    for (Map.Entry<RegionName, Long> each : fetches.entrySet()) {
      double spared = remoteMs - 2 * replicator.expectedRttMs(region, each.getKey());
      // NaN, of which nothing is known, is not more than 0.
      sparedMs += spared > 0 ? (double) each.getValue() * spared : 0;
    }
    return remoteMs > 0 ? Math.round(sparedMs / remoteMs) : 0;
  }

  private @Nullable CopyTerms copyHere(Key key, Header header) {
    // Other regions have their copies from this one, if they ask here.
    FetchPath path = replicator.keptPath(key, header);
    return path == null
        ? null
        : new CopyTerms(path.from(), region, header.payloadBytes(), path.rttMs());
  }

  /** Until when bytes may be waited for by who asks now, as {@link #send} takes it. */
  long deadlineNanos() {
    return clock.nanoTime() + PATIENCE.toNanos();
  }

  /** So that nothing is waited for. */
  long nowNanos() {
    return clock.nanoTime();
  }

  /**
   * For one that another region is sent.
   *
   * @param header of what would be sent at the moment
   * @param deadlineNanos until then it may be waited for bytes
   */
  CompletableFuture<ShadowDecision> send(
      Supplier<Header> header, RegionName to, ShadowTerms terms, long deadlineNanos) {
    double rttMs = replicator.expectedRttMs(region, to);
    int payloadBytes = header.get().payloadBytes();
    var copy = new CopyTerms(region, to, payloadBytes, Double.isNaN(rttMs) ? 0 : rttMs);
    ShadowDecision decision =
        arm.sendShadow(copy, terms.ttlNanos() / NANOS_PER_MS, clock.nanoTime());
    if (!decision.canWait() || deadlineNanos - clock.nanoTime() < ASK_AGAIN.toNanos()) {
      return CompletableFuture.completedFuture(decision);
    }
    var later = new CompletableFuture<ShadowDecision>();
    loop.schedule(
        ASK_AGAIN, () -> send(header, to, terms, deadlineNanos).thenAccept(later::complete));
    return later;
  }
}
