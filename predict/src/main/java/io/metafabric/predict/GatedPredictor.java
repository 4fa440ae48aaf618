package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One predictor with its gate, fenced off: whatever it throws switches it off and goes no further.
 * Feedback is counted by any thread and reaches the gate in {@link #settle}; all else is not
 * thread-safe.
 */
final class GatedPredictor {
  private static final int SAVED_BYTES = 64 << 10;

  private final String name;
  private final long maxBytes;
  private final BiConsumer<String, Throwable> onFailure;
  private final PrecisionGate gate = new PrecisionGate();
  private final AtomicLong made = new AtomicLong();
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong wasted = new AtomicLong();
  private long predicted;
  private long observedBytes;

  /** Null once it has failed, so that what it retained can go. */
  private @Nullable Predictor predictor;

  GatedPredictor(Predictor predictor, long maxBytes, BiConsumer<String, Throwable> onFailure) {
    this.name = predictor.name();
    this.predictor = predictor;
    this.maxBytes = maxBytes;
    this.onFailure = onFailure;
  }

  String name() {
    return name;
  }

  void observe(List<AccessEvent> events) {
    if (predictor == null) {
      return;
    }
    try {
      predictor.observe(events);
      observedBytes = predictor.retainedBytes();
      if (observedBytes > maxBytes) {
        fail(new IllegalStateException(observedBytes + " bytes retained, more than " + maxBytes));
      }
    } catch (Throwable failure) {
      fail(failure);
    }
  }

  /** Tells a predictor that ranks itself what is fetched, and what would be without prediction. */
  void fetched(long inAll, long unaidedInAll) {
    if (predictor instanceof RankedPredictor ranked) {
      try {
        ranked.fetched(inAll, unaidedInAll);
      } catch (Throwable failure) {
        fail(failure);
      }
    }
  }

  /** Shows a predictor that ranks itself what was read elsewhere. */
  void learn(List<AccessEvent> events) {
    if (predictor instanceof RankedPredictor ranked) {
      try {
        ranked.learn(events);
      } catch (Throwable failure) {
        fail(failure);
      }
    }
  }

  /** The same of reads that are only counted. */
  void learnMore(Key key, long reads) {
    if (predictor instanceof RankedPredictor ranked) {
      try {
        ranked.learnMore(key, reads);
      } catch (Throwable failure) {
        fail(failure);
      }
    }
  }

  /** Learns from reads of another time. */
  void train(List<AccessEvent> past) {
    if (!(predictor instanceof RankedPredictor ranked)) {
      observe(past);
      return;
    }
    try {
      ranked.train(past);
    } catch (Throwable failure) {
      fail(failure);
    }
  }

  /**
   * What a client is likely to read next, in its own name; null if nothing is known of the client.
   *
   * @param standing null if the client's last reads are not known
   */
  @Nullable List<Prediction> forecast(
      String client, long nowMs, int most, @Nullable PredictionContext standing) {
    if (!(predictor instanceof RankedPredictor ranked)) {
      return standing == null ? null : predict(standing);
    }
    try {
      return ranked.forecast(client, nowMs, most);
    } catch (Throwable failure) {
      fail(failure);
      return null;
    }
  }

  /** Its predictions in its own name, as many as were asked for; the gate has not seen them. */
  List<Prediction> predict(PredictionContext context) {
    if (predictor == null || predictor instanceof RankedPredictor) {
      // One that ranks itself has seen every read in its place, and says more in proposals.
      return List.of();
    }
    try {
      var predictions = new ArrayList<Prediction>();
      for (Prediction prediction : predictor.predict(context)) {
        if (predictions.size() < context.maxPredictions()) {
          predictions.add(inOwnName(prediction));
        }
      }
      return predictions;
    } catch (Throwable failure) {
      fail(failure);
      return List.of();
    }
  }

  private Prediction inOwnName(Prediction said) {
    if (said.predictor().equals(name)) {
      return said;
    }
    return new Prediction(
        said.key(), said.region(), said.probability(), said.horizon(), said.reason(), name);
  }

  // Errors too, even OutOfMemoryError: a predictor that runs out of memory is better gone than
  // the loop that it runs on.
  private void fail(Throwable failure) {
    predictor = null;
    observedBytes = 0;
    onFailure.accept(name, failure);
  }

  boolean admits(double probability) {
    boolean admitted = gate.admits(probability);
    if (admitted) {
      predicted++;
    }
    return admitted;
  }

  /** What it has learned; null if it keeps nothing. */
  byte @Nullable [] save() {
    if (!(predictor instanceof PersistentPredictor persistent)) {
      return null;
    }
    try {
      var out = new ByteWriter(SAVED_BYTES);
      persistent.save(out);
      return out.toArray();
    } catch (Throwable failure) {
      fail(failure);
      return null;
    }
  }

  @Nullable PersistentPredictor persistent() {
    return predictor instanceof PersistentPredictor persistent ? persistent : null;
  }

  /** Puts one that has learned before in its place. */
  void replace(Predictor restored) {
    if (predictor != null) {
      predictor = restored;
    }
  }

  void countMade() {
    made.incrementAndGet();
  }

  void countUsed() {
    used.incrementAndGet();
  }

  void countWasted() {
    wasted.incrementAndGet();
  }

  /** Passes to the gate what has been counted since the last time. */
  void settle() {
    gate.made(made.getAndSet(0));
    long nowUsed = used.getAndSet(0);
    long nowWasted = wasted.getAndSet(0);
    gate.resolved(nowUsed, nowWasted);
    if (predictor instanceof RankedPredictor ranked) {
      try {
        ranked.resolved(nowUsed, nowWasted);
      } catch (Throwable failure) {
        fail(failure);
      }
    }
  }

  /** What a predictor that ranks itself lets through; of no other. */
  List<Prediction> proposals(Predicate<Key> held, int most) {
    if (!(predictor instanceof RankedPredictor ranked)) {
      return List.of();
    }
    try {
      List<Prediction> proposals = ranked.proposals(held, most);
      predicted += proposals.size();
      return proposals;
    } catch (Throwable failure) {
      fail(failure);
      return List.of();
    }
  }

  /** Which sources had proposed one of its last proposals. */
  Says saysOf(Prediction proposal) {
    return predictor instanceof RankedPredictor ranked ? ranked.saysOf(proposal) : Says.NONE;
  }

  /** Why it said so, for people; empty of one that has failed. */
  String reasonOf(Says says) {
    return predictor instanceof RankedPredictor ranked ? ranked.reasonOf(says) : "";
  }

  /** How each of its sources does; empty of a predictor without. */
  List<SourceStats> sources() {
    return predictor instanceof RankedPredictor ranked ? ranked.sources() : List.of();
  }

  /** How true its probabilities were; null of a predictor that does not rank itself. */
  @Nullable RankingStats ranking() {
    return predictor instanceof RankedPredictor ranked ? ranked.ranking() : null;
  }

  /** Proposals of a predictor that ranks itself that were not looked at. */
  long dropped() {
    return predictor instanceof RankedPredictor ranked ? ranked.dropped() : 0;
  }

  /** What it retained after the last observation. */
  long observedBytes() {
    return observedBytes;
  }

  private long retainedBytes() {
    if (predictor == null) {
      return 0;
    }
    try {
      return predictor.retainedBytes();
    } catch (Throwable failure) {
      fail(failure);
      return 0;
    }
  }

  ForesightStats.PerPredictor stats() {
    long bytes = retainedBytes();
    boolean failed = predictor == null;
    boolean open = gate.open();
    double floor = gate.floor();
    if (predictor instanceof RankedPredictor ranked) {
      open = ranked.open();
      floor = ranked.floor();
    }
    return new ForesightStats.PerPredictor(
        name,
        open && !failed,
        floor,
        gate.precision(),
        predicted,
        gate.withheld(),
        gate.made(),
        gate.used(),
        gate.wasted(),
        bytes,
        failed);
  }
}
