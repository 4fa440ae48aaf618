package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * What a node believes about the reads to come: its predictors, and how far each is trusted. One
 * thread at a time uses it; {@link #stats} may be called by any.
 */
public final class Foresight {
  private static final Duration HORIZON = Duration.ofSeconds(30);
  private static final int MAX_PREDICTIONS_PER_CLIENT = 16;
  private static final int MAX_CLIENTS = 4096;

  private static final class Trusted {
    final Predictor predictor;
    final PrecisionGate gate = new PrecisionGate();
    long predicted;
    long used;
    long wasted;
    boolean failed;

    Trusted(Predictor predictor) {
      this.predictor = predictor;
    }
  }

  private final RegionName region;
  private final long maxBytes;
  private final BiConsumer<String, RuntimeException> onFailure;
  private final Map<String, Trusted> trusted = new LinkedHashMap<>();
  private final Map<String, List<String>> moved = new LinkedHashMap<>();
  private final Map<String, List<String>> trails =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, List<String>> eldest) {
          return size() > MAX_CLIENTS;
        }
      };
  private long nowMs;

  /**
   * @param maxBytes a predictor that retains more is switched off
   * @param onFailure is told of a predictor that threw
   */
  public Foresight(
      RegionName region,
      List<Predictor> predictors,
      long maxBytes,
      BiConsumer<String, RuntimeException> onFailure) {
    this.region = region;
    this.maxBytes = maxBytes;
    this.onFailure = onFailure;
    predictors.forEach(predictor -> trusted.put(predictor.name(), new Trusted(predictor)));
  }

  public synchronized void observe(List<AccessEvent> events) {
    for (AccessEvent event : events) {
      List<String> trail = trails.get(event.client());
      if (trail == null || !trail.get(0).equals(event.key())) {
        trail = trail == null ? List.of(event.key()) : List.of(event.key(), trail.get(0));
        trails.put(event.client(), trail);
      }
      moved.put(event.client(), trail);
      nowMs = Math.max(nowMs, event.atMs());
    }
    for (Trusted each : trusted.values()) {
      guarded(
          each,
          () -> {
            each.predictor.observe(events);
            if (each.predictor.retainedBytes() > maxBytes) {
              throw new IllegalStateException(
                  each.predictor.retainedBytes() + " bytes retained, more than " + maxBytes);
            }
          });
    }
  }

  /**
   * What is likely to be read next by the clients that have read since the last call, best first.
   */
  public synchronized List<Prediction> predictions() {
    var best = new LinkedHashMap<Key, Prediction>();
    moved.forEach(
        (client, trail) -> {
          var context =
              new PredictionContext(
                  client, trail, region, nowMs, HORIZON, MAX_PREDICTIONS_PER_CLIENT);
          trusted.values().forEach(each -> guarded(each, () -> ask(each, context, best)));
        });
    moved.clear();
    var sorted = new ArrayList<>(best.values());
    sorted.sort(Comparator.comparingDouble(Prediction::probability).reversed());
    return sorted;
  }

  private static void ask(Trusted each, PredictionContext context, Map<Key, Prediction> best) {
    for (Prediction prediction : each.predictor.predict(context)) {
      if (each.gate.lets()) {
        each.predicted++;
        best.merge(
            prediction.key(), prediction, (a, b) -> a.probability() >= b.probability() ? a : b);
      }
    }
  }

  /** A predictor that throws is off from then on; the others go on. */
  private void guarded(Trusted each, Runnable call) {
    if (each.failed) {
      return;
    }
    try {
      call.run();
    } catch (RuntimeException e) {
      each.failed = true;
      onFailure.accept(each.predictor.name(), e);
    }
  }

  /** A prefetch that the predictor had asked for was read. */
  public synchronized void used(String predictor) {
    Trusted each = trusted.get(predictor);
    if (each != null) {
      each.used++;
      each.gate.used();
    }
  }

  /** A prefetch that the predictor had asked for was never read. */
  public synchronized void wasted(String predictor) {
    Trusted each = trusted.get(predictor);
    if (each != null) {
      each.wasted++;
      each.gate.wasted();
    }
  }

  public synchronized ForesightStats stats() {
    var all = new ArrayList<ForesightStats.PerPredictor>();
    trusted.forEach(
        (name, each) ->
            all.add(
                new ForesightStats.PerPredictor(
                    name,
                    each.gate.isOpen() && !each.failed,
                    each.gate.precision(),
                    each.predicted,
                    each.used,
                    each.wasted,
                    each.failed ? 0 : each.predictor.retainedBytes(),
                    each.failed)));
    return new ForesightStats(all);
  }
}
