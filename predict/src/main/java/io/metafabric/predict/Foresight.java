package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a node believes about the reads to come: its predictors, and how far each is trusted.
 *
 * <p>The control loop calls {@link #observe} and {@link #predictions}. Who makes a prefetch calls
 * {@link #requested}, {@link #made} once it came, and {@link #used} or {@link #wasted} once it
 * knows. {@code made} is an atomic addition, to be called from anywhere. The rest is thread-safe
 * but may wait for an observation in progress, so it has no place where a read is served.
 *
 * <p>A predictor that fails is switched off and reported, and the others go on.
 */
public final class Foresight {
  private static final Duration HORIZON = Duration.ofSeconds(30);
  private static final int MAX_PREDICTIONS_PER_CLIENT = 64;
  private static final int MAX_PREDICTIONS = 256;

  /** A call for so many clients takes milliseconds, not more, of the loop's time. */
  private static final int MAX_CLIENTS_PER_CALL = 64;

  /** A proposal comes true within far fewer; what is unread after so many was in vain. */
  private static final int PATIENCE_NEEDS = 1024;

  private static final long MAX_TRAIL_BYTES = 1L << 20;
  private static final long MAX_LOG_BYTES = 1L << 20;

  /** What has been said may take one byte in so many of what predictors retain. */
  private static final int LOG_SHARE = 16;

  private static final Comparator<Prediction> BEST_FIRST =
      Comparator.comparingDouble(Prediction::probability).reversed().thenComparing(Prediction::key);

  private final RegionName region;
  private final long maxBytesEach;
  private final long maxBytes;
  private final Trails trails = new Trails(MAX_TRAIL_BYTES);
  private final Map<String, GatedPredictor> predictors = new LinkedHashMap<>();
  private final PredictionLog log;
  private final Scores scores;
  private final NeedPace pace = new NeedPace();
  private final AtomicLong unattributed = new AtomicLong();

  /** Whether any predictor is asked client by client. */
  private final boolean asksForClients;

  private final ReadTime time = new ReadTime();
  private long nowMs;
  private long surplus;
  private long observed;

  /**
   * @param maxBytesEach a predictor that retains more is switched off
   * @param seed should be drawn at random: hashes of keys that others choose are seeded with it
   * @param onFailure is told the name of a predictor that failed, and why; it must not throw
   * @throws ConfigurationException if two predictors have the same name
   */
  public Foresight(
      RegionName region,
      List<Predictor> predictors,
      long maxBytesEach,
      long seed,
      BiConsumer<String, Throwable> onFailure) {
    this.region = region;
    this.asksForClients = predictors.stream().anyMatch(each -> !(each instanceof RankedPredictor));
    this.maxBytesEach = maxBytesEach;
    List<String> scored = scored(predictors);
    this.scores = new Scores(region, scored);
    this.maxBytes =
        MAX_TRAIL_BYTES
            + MAX_LOG_BYTES
            + Scores.maxRetainedBytes(scored.size())
            + predictors.size() * maxBytesEach;
    for (Predictor predictor : predictors) {
      var gated = new GatedPredictor(predictor, maxBytesEach, onFailure);
      if (this.predictors.putIfAbsent(gated.name(), gated) != null) {
        throw new ConfigurationException(
            "two predictors are named \"" + gated.name() + "\"; rename or remove one");
      }
    }
    int sources = predictors.stream().mapToInt(Foresight::sourcesOf).max().orElse(0);
    this.log =
        new PredictionLog(List.copyOf(this.predictors.keySet()), sources, MAX_LOG_BYTES, seed);
  }

  private static int sourcesOf(Predictor predictor) {
    return predictor instanceof RankedPredictor ranked ? ranked.sources().size() : 0;
  }

  /** The predictors by name, each with its sources. */
  private static List<String> scored(List<Predictor> predictors) {
    var names = new ArrayList<String>();
    for (Predictor predictor : predictors) {
      names.add(predictor.name());
      if (predictor instanceof RankedPredictor ranked) {
        ranked.sources().forEach(source -> names.add(source.scoredAs()));
      }
    }
    return names;
  }

  /** Learns from reads; those of one client in the order in which it read. */
  public synchronized void observe(List<AccessEvent> events) {
    for (AccessEvent event : events) {
      if (asksForClients) {
        trails.append(event.client(), event.key());
      }
      nowMs = time.advance(event.atMs());
      if (event.outcome().isNeed()) {
        score(event);
      }
    }
    observed += events.size();
    for (GatedPredictor predictor : predictors.values()) {
      predictor.observe(events);
    }
  }

  private void score(AccessEvent need) {
    pace.need(nowMs);
    scores.need(need.key());
    List<PredictionLog.Said> foreseeing = log.needed(need.key(), nowMs);
    for (PredictionLog.Said said : foreseeing) {
      scores.foreseen(said.predictor(), need.key());
      said.says().scoredAs().forEach(source -> scores.foreseen(source, need.key()));
    }
    // What was prefetched had been predicted, even if the log has forgotten it.
    if (!foreseeing.isEmpty() || need.outcome() == AccessEvent.Outcome.PREFETCHED) {
      scores.foreseen(PredictionScore.ALL, need.key());
    }
  }

  /**
   * How much was fetched, for reads and ahead of them, and what would have been with nothing
   * fetched ahead, by estimate: prefetches that push out what is read are no gain, even if all of
   * them are used. Both since the same time, and never less than at the call before.
   */
  public synchronized void fetched(long inAll, long unaidedInAll) {
    for (GatedPredictor predictor : predictors.values()) {
      predictor.fetched(inAll, unaidedInAll);
    }
  }

  /**
   * Learns from reads in other regions: what follows what is shared, and proposes nothing here.
   * Predictors of the host's are not shown them.
   */
  public synchronized void learn(List<AccessEvent> events) {
    for (GatedPredictor predictor : predictors.values()) {
      predictor.learn(events);
    }
  }

  /** A key was read so often in another region, in whatever order. */
  public synchronized void learnMore(Key key, long reads) {
    for (GatedPredictor predictor : predictors.values()) {
      predictor.learnMore(key, reads);
    }
  }

  /**
   * Learns from reads of another time, those of one client in the order in which it read, as if
   * each had had to be fetched. Nothing is proposed because of them, and no score counts them.
   */
  public synchronized void train(List<AccessEvent> past) {
    if (asksForClients) {
      past.forEach(event -> trails.place(event.client(), event.key()));
    }
    for (GatedPredictor predictor : predictors.values()) {
      predictor.train(past);
    }
    observed += past.size();
  }

  /**
   * What a client is likely to read next, from where it stands: likeliest first, each key once,
   * whether it is held here or not. Learns nothing, and no gate counts it.
   */
  public synchronized ClientForecast forecast(String client, long wallMs) {
    PredictionContext standing = standing(client, wallMs);
    boolean known = standing != null;
    var best = new LinkedHashMap<Key, Prediction>();
    for (GatedPredictor predictor : predictors.values()) {
      List<Prediction> said =
          predictor.forecast(client, wallMs, MAX_PREDICTIONS_PER_CLIENT, standing);
      if (said != null) {
        known = true;
        said.forEach(each -> best.merge(each.key(), each, Foresight::surer));
      }
    }
    var sorted = new ArrayList<>(best.values());
    sorted.sort(BEST_FIRST);
    int most = Math.min(sorted.size(), MAX_PREDICTIONS_PER_CLIENT);
    return new ClientForecast(client, known, sorted.subList(0, most));
  }

  private @Nullable PredictionContext standing(String client, long wallMs) {
    Trails.Trail trail = trails.find(client);
    return trail == null
        ? null
        : new PredictionContext(
            client, trail.newestFirst(), region, wallMs, HORIZON, MAX_PREDICTIONS_PER_CLIENT);
  }

  /**
   * What the clients that have read since they were last asked about will read next: likeliest
   * first, each key once, in the name of the predictor that is surest of it. Of very many clients,
   * some wait for the next call.
   *
   * @param held whether a key's payload is here or on its way: such keys are left out before a gate
   *     counts them, so that a probe is not spent on them. May be asked repeatedly about a key
   */
  public synchronized List<Prediction> predictions(Predicate<Key> held) {
    for (GatedPredictor predictor : predictors.values()) {
      predictor.settle();
    }
    var best = new LinkedHashMap<Key, Prediction>();
    for (GatedPredictor predictor : predictors.values()) {
      for (Prediction prediction : predictor.proposals(held, MAX_PREDICTIONS)) {
        said(prediction, predictor.saysOf(prediction), best);
      }
    }
    if (asksForClients) {
      askForClients(held, best);
    }
    var sorted = new ArrayList<>(best.values());
    sorted.sort(BEST_FIRST);
    int most = Math.min(sorted.size(), MAX_PREDICTIONS);
    surplus += sorted.size() - most;
    List<Prediction> likeliest = List.copyOf(sorted.subList(0, most));
    for (Prediction prediction : likeliest) {
      scores.predicted(PredictionScore.ALL, prediction.key().path());
    }
    return likeliest;
  }

  private void said(Prediction prediction, Says says, Map<Key, Prediction> best) {
    String path = prediction.key().path();
    log.add(prediction, says, nowMs, logBytes());
    scores.predicted(prediction.predictor(), path);
    says.scoredAs().forEach(source -> scores.predicted(source, path));
    best.merge(prediction.key(), prediction, Foresight::surer);
  }

  private long logBytes() {
    long bytes = 0;
    for (GatedPredictor predictor : predictors.values()) {
      bytes += predictor.observedBytes();
    }
    return bytes / LOG_SHARE;
  }

  private void askForClients(Predicate<Key> held, Map<Key, Prediction> best) {
    for (Trails.Trail trail : trails.takeActive(MAX_CLIENTS_PER_CALL)) {
      var context =
          new PredictionContext(
              trail.client(),
              trail.newestFirst(),
              region,
              nowMs,
              HORIZON,
              MAX_PREDICTIONS_PER_CLIENT);
      for (GatedPredictor predictor : predictors.values()) {
        for (Prediction prediction : predictor.predict(context)) {
          if (!held.test(prediction.key()) && predictor.admits(prediction.probability())) {
            said(prediction, Says.NONE, best);
          }
        }
      }
    }
  }

  private static Prediction surer(Prediction a, Prediction b) {
    return b.probability() > a.probability() ? b : a;
  }

  /** A prefetch was made because this predictor said so. */
  public void made(String predictor) {
    GatedPredictor known = predictors.get(predictor);
    if (known == null) {
      unattributed.incrementAndGet();
    } else {
      known.countMade();
    }
  }

  /**
   * How long a prefetch is worth keeping for its first read: the prediction's horizon, longer where
   * reads that have to be fetched are seldom.
   */
  public synchronized Duration patience(Prediction prediction) {
    Duration needs = pace.timeOf(PATIENCE_NEEDS);
    Duration horizon = prediction.horizon();
    return needs == null || needs.compareTo(horizon) < 0 ? horizon : needs;
  }

  /** A prefetch is being asked for, because this predictor said so. */
  public synchronized void requested(String predictor, Key key) {
    Says says = log.fetched(predictor, key.path());
    scores.requested(concerned(predictor, says), key.path());
  }

  /** A prefetch made on this predictor's word was there when it was read. */
  public synchronized void used(String predictor, String path) {
    countUsed(predictor);
    Says says = log.resolved(predictor, path, PastPrediction.Result.USED);
    scores.usedInTime(concerned(predictor, says), path);
  }

  /**
   * A prefetch made on this predictor's word was still on its way when it was read.
   *
   * @param waitedMs how long the read waited for it
   */
  public synchronized void usedLate(String predictor, String path, double waitedMs) {
    countUsed(predictor);
    Says says = log.resolved(predictor, path, PastPrediction.Result.LATE);
    scores.usedLate(concerned(predictor, says), path, waitedMs);
  }

  /** Whose scores a prefetch counts in. Of one that the log has forgotten no source's. */
  private static List<String> concerned(String predictor, Says says) {
    var names = new ArrayList<String>();
    names.add(PredictionScore.ALL);
    names.add(predictor);
    names.addAll(says.scoredAs());
    return names;
  }

  private void countUsed(String predictor) {
    GatedPredictor known = predictors.get(predictor);
    if (known == null) {
      unattributed.incrementAndGet();
    } else {
      known.countUsed();
    }
  }

  /** A prefetch made on this predictor's word was never read, or never came. */
  public synchronized void wasted(String predictor, String path, int payloadBytes) {
    GatedPredictor known = predictors.get(predictor);
    if (known == null) {
      unattributed.incrementAndGet();
    } else {
      known.countWasted();
    }
    Says says = log.resolved(predictor, path, PastPrediction.Result.WASTED);
    scores.wasted(concerned(predictor, says), path, payloadBytes);
  }

  /** A read had to be fetched and no prefetch was on its way; it waited for so long. */
  public synchronized void stalled(String path, double ms) {
    scores.stalled(path, ms);
  }

  /** The last predictions of a key that were let through, newest last; empty if none is kept. */
  public synchronized List<PastPrediction> explain(Key key) {
    return log.on(
        key.path(),
        (predictor, says) -> {
          GatedPredictor known = predictors.get(predictor);
          return known == null ? "" : known.reasonOf(says);
        });
  }

  /** How many reads were observed; while it stays the same, there is nothing new to save. */
  public synchronized long observed() {
    return observed;
  }

  /** What the predictors have learned, as far as they can say it; empty if none can. */
  public synchronized Map<String, byte[]> save() {
    var saved = new LinkedHashMap<String, byte[]>();
    for (GatedPredictor predictor : predictors.values()) {
      byte[] learned = predictor.save();
      if (learned != null) {
        saved.put(predictor.name(), learned);
      }
    }
    return saved;
  }

  /**
   * Goes on from what was learned before, and forgets what was learned since it was made. What is
   * of a predictor that is not here is left out.
   *
   * @param onUnusable is told the name of a predictor that has to learn anew, and why
   */
  public void restore(Map<String, byte[]> saved, BiConsumer<String, String> onUnusable) {
    saved.forEach(
        (name, learned) -> {
          PersistentPredictor before = persistent(name);
          Predictor restored = before == null ? null : restored(before, name, learned, onUnusable);
          if (restored != null) {
            replace(name, restored);
          }
        });
  }

  private synchronized @Nullable PersistentPredictor persistent(String name) {
    GatedPredictor known = predictors.get(name);
    return known == null ? null : known.persistent();
  }

  private synchronized void replace(String name, Predictor restored) {
    GatedPredictor known = predictors.get(name);
    if (known != null) {
      known.replace(restored);
      log.forgetCauses(name);
    }
  }

  private @Nullable Predictor restored(
      PersistentPredictor before,
      String name,
      byte[] learned,
      BiConsumer<String, String> onUnusable) {
    try {
      var in = new ByteReader(ByteBuffer.wrap(learned));
      Predictor restored = before.restored(in);
      in.end("what predictor " + name + " has learned");
      long bytes = restored.retainedBytes();
      if (bytes > maxBytesEach) {
        throw new WireFormatException(bytes + " bytes, more than " + maxBytesEach);
      }
      return restored;
    } catch (WireFormatException e) {
      onUnusable.accept(name, String.valueOf(e.getMessage()));
    } catch (Throwable e) {
      // A host's own code. What it says may name a key; its class does not.
      onUnusable.accept(name, e.getClass().getName());
    }
    return null;
  }

  public synchronized ForesightStats stats() {
    var all = new ArrayList<ForesightStats.PerPredictor>();
    var ranking = new ArrayList<RankingStats>();
    var sources = new ArrayList<SourceStats>();
    long dropped = surplus;
    long bytes = trails.retainedBytes() + log.retainedBytes() + scores.retainedBytes();
    for (GatedPredictor predictor : predictors.values()) {
      predictor.settle();
      ForesightStats.PerPredictor stats = predictor.stats();
      all.add(stats);
      bytes += stats.retainedBytes();
      dropped += predictor.dropped();
      sources.addAll(predictor.sources());
      RankingStats ranked = predictor.ranking();
      if (ranked != null) {
        ranking.add(ranked);
      }
    }
    return new ForesightStats(
        all,
        scores.scores(),
        ranking,
        sources,
        dropped,
        trails.forgotten(),
        unattributed.get(),
        bytes,
        maxBytes);
  }
}
