package io.metafabric.node;

import io.metafabric.cache.HotTierStats;
import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.predict.AccessRing;
import io.metafabric.predict.ClientForecast;
import io.metafabric.predict.Foresight;
import io.metafabric.predict.PastPrediction;
import io.metafabric.replicate.FetchPath;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.arm.Candidate;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.ReplicationManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The control loop: what was read becomes predictions, what is predicted is priced, what pays is
 * fetched. Belongs to the node's loop; only {@link #stats}, {@link #decisionsOn}, {@link
 * #predictionsOf}, {@link #train}, {@link #forecast} and {@link #setEnabled} may be called by
 * others.
 */
final class Prefetcher {
  /** What the control loop needs of the node's tiers. */
  interface Target {
    /** The header of a key whose payload this node lacks and nobody fetches yet; else null. */
    @Nullable Header missingPayload(Key key);

    /** The tier that takes copies. */
    HotTierStats tier();

    /**
     * Takes the payload in when it arrives; completes with whether it did.
     *
     * @param patience how long it is worth keeping unread
     */
    CompletableFuture<Boolean> expect(
        Key key, String predictor, Duration patience, CompletableFuture<FetchResult> arriving);

    /** What was expected is here. */
    void arrived(Prediction prediction);

    /** A read that is learned from. */
    void read(AccessEvent event);
  }

  private static final int MAX_EVENTS = 8192;

  /** About what a read of the hot tier takes, and far below any link. */
  private static final double LOCAL_MS = 0.001;

  /** Of how many keys it is known since when reads have been waiting for them. */
  private static final int MAX_WAITING = 1024;

  private final Clock clock;
  private final AccessRing accesses;
  private final Foresight foresight;
  private final ReplicationManager arm;
  private final Replicator replicator;
  private final Target target;

  /** Since when a key has been waited for by a read that did not ask for it itself, in nanos. */
  private final Map<String, Long> waiting = new LinkedHashMap<>();

  /** Whether it was off when it last ran. */
  private boolean wasOff;

  private final AtomicLong requested = new AtomicLong();
  private final AtomicLong arrived = new AtomicLong();
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong wasted = new AtomicLong();

  Prefetcher(
      Clock clock,
      AccessRing accesses,
      Foresight foresight,
      ReplicationManager arm,
      Replicator replicator,
      Target target) {
    this.clock = clock;
    this.accesses = accesses;
    this.foresight = foresight;
    this.arm = arm;
    this.replicator = replicator;
    this.target = target;
  }

  void run() {
    accesses.setNow(clock.wallMs());
    List<AccessEvent> events = accesses.drain(MAX_EVENTS);
    if (events.isEmpty()) {
      return;
    }
    foresight.observe(events);
    HotTierStats tier = target.tier();
    foresight.fetched(tier.fetches(), tier.expectedFetches());
    long nowNanos = clock.nanoTime();
    events.forEach(event -> arm.read(event.key(), nowNanos));
    events.forEach(target::read);
    if (!arm.isEnabled()) {
      wasOff = true;
      return;
    }
    if (wasOff) {
      wasOff = false;
      // What was proposed meanwhile is of the past.
      foresight.predictions(key -> true);
      return;
    }
    List<Prediction> predictions = foresight.predictions(key -> target.missingPayload(key) == null);
    var headers = new LinkedHashMap<Key, Header>();
    var candidates = new ArrayList<Candidate>();
    double fullness = tier.fullness();
    for (Prediction prediction : predictions) {
      Header header = target.missingPayload(prediction.key());
      if (header != null && headers.putIfAbsent(prediction.key(), header) == null) {
        FetchPath path = replicator.fetchPath(prediction.key(), header);
        if (path != null) {
          candidates.add(
              new Candidate(
                  prediction,
                  path.from(),
                  header.payloadBytes(),
                  path.rttMs(),
                  LOCAL_MS,
                  path.pressure(),
                  fullness));
        }
      }
    }
    fetch(arm.consider(candidates, nowNanos), headers);
  }

  private void fetch(List<Decision> decisions, Map<Key, Header> headers) {
    var wanted = new LinkedHashMap<Key, Header>();
    var arriving = new LinkedHashMap<Key, CompletableFuture<FetchResult>>();
    for (Decision decision : decisions) {
      Prediction prediction = decision.candidate().prediction();
      Header header = headers.get(prediction.key());
      // The switch once more: what has not been asked for when it is thrown, is not.
      if (!decision.copy()) {
        continue;
      }
      if (header == null || !arm.isEnabled()) {
        arm.failed(prediction.key().path());
      } else {
        var result = new CompletableFuture<FetchResult>();
        wanted.put(prediction.key(), header);
        arriving.put(prediction.key(), result);
        requested.incrementAndGet();
        foresight.requested(prediction.predictor(), prediction.key());
        target
            .expect(
                prediction.key(), prediction.predictor(), foresight.patience(prediction), result)
            .thenAccept(
                came -> {
                  if (came) {
                    arrived.incrementAndGet();
                    foresight.made(prediction.predictor());
                    target.arrived(prediction);
                  } else {
                    arm.failed(prediction.key().path());
                  }
                });
      }
    }
    if (!wanted.isEmpty()) {
      replicator.prefetch(
          wanted,
          (key, result) -> {
            CompletableFuture<FetchResult> waiting = arriving.get(key);
            if (waiting != null) {
              waiting.complete(result);
            }
          });
    }
  }

  void used(String predictor, String path) {
    used.incrementAndGet();
    arm.used(path);
    foresight.used(predictor, path);
  }

  /** A read waits for what somebody else has asked for. */
  void joined(Key key, long nowNanos) {
    replicator.hurry(key);
    waiting.putIfAbsent(key.path(), nowNanos);
    if (waiting.size() > MAX_WAITING) {
      waiting.remove(waiting.keySet().iterator().next());
    }
  }

  /** A prefetch was read that was still on its way when the read began. */
  void usedLate(String predictor, String path, long nowNanos) {
    used.incrementAndGet();
    Long since = waiting.remove(path);
    double waitedMs = since == null ? 0 : (nowNanos - since) / 1e6;
    arm.usedLate(path, waitedMs);
    foresight.usedLate(predictor, path, waitedMs);
  }

  /** A read has fetched a payload itself, and waited for so long. */
  void stalled(String path, long nanos) {
    waiting.remove(path);
    foresight.stalled(path, nanos / 1e6);
  }

  void wasted(String predictor, String path, int payloadBytes) {
    wasted.incrementAndGet();
    arm.wasted(path, clock.nanoTime());
    foresight.wasted(predictor, path, payloadBytes);
  }

  void setEnabled(boolean enabled) {
    arm.setEnabled(enabled);
  }

  List<Decision> decisionsOn(Key key) {
    return arm.explain(key);
  }

  List<PastPrediction> predictionsOf(Key key) {
    return foresight.explain(key);
  }

  void train(List<AccessEvent> past) {
    foresight.train(past);
  }

  ClientForecast forecast(String client) {
    return foresight.forecast(client, clock.wallMs());
  }

  PrefetchStats stats() {
    return new PrefetchStats(
        arm.isEnabled(),
        requested.get(),
        arrived.get(),
        used.get(),
        wasted.get(),
        accesses.recorded(),
        accesses.dropped(),
        arm.stats(clock.nanoTime()),
        foresight.stats());
  }
}
