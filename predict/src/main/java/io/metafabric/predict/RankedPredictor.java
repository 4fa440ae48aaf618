package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A predictor that sees every read in its place, ranks what it proposes by what came of it before,
 * and keeps its own bound on waste. Nothing stands between its word and the pricing.
 */
interface RankedPredictor extends Predictor {
  /**
   * What the reads observed since the last call make likely and worth fetching, likeliest first.
   *
   * @param held whether a key's payload is here or on its way
   */
  List<Prediction> proposals(Predicate<Key> held, int most);

  /** Which of its sources had proposed one of the last proposals. */
  Says saysOf(Prediction proposal);

  /** Why it said so, for people, as far as it knows by now. */
  String reasonOf(Says says);

  /** How each of its sources does. */
  List<SourceStats> sources();

  /** Learns from reads in other regions, of which no need follows here. */
  void learn(List<AccessEvent> events);

  /** A key was read so often in another region, in whatever order. */
  void learnMore(Key key, long reads);

  /**
   * Learns from reads of another time as {@link #observe} does from those of now, and proposes
   * nothing: what may be wasted is as it was.
   */
  void train(List<AccessEvent> past);

  /**
   * What a client is likely to read next, likeliest first, held here or not; null if nothing is
   * known of the client. Learns nothing.
   */
  @Nullable List<Prediction> forecast(String client, long nowMs, int most);

  /**
   * How much was fetched, for reads and ahead of them, and what would have been with nothing
   * fetched ahead, by estimate: both since the same time, and never less than at the call before.
   */
  void fetched(long inAll, long unaidedInAll);

  /** Outcomes of its prefetches since the last call. */
  void resolved(long used, long wasted);

  /** The least probability that it lets through now. */
  double floor();

  /** Proposals that it did not look at, because there were too many between two calls. */
  long dropped();

  /** How true its probabilities were. */
  RankingStats ranking();

  /** Whether it lets anything through now. */
  boolean open();
}
