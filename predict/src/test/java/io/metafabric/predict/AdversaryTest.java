package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Reads that are made to break prediction, through a small cache: memory stays bounded, and where
 * nothing can be predicted nothing much is fetched, whichever sources are on.
 */
class AdversaryTest {
  private static final int READS = 30_000;
  private static final int CACHE = 200;
  private static final long MAX_BYTES = 256 << 10;

  /** One read of an adversary. */
  private record Read(String client, String id, long atMs) {}

  /** What a cache of {@value #CACHE} entries has had to do. */
  private record Outcomes(int misses, int prefetches) {
    int fetches() {
      return misses + prefetches;
    }
  }

  enum Choice {
    DEFAULT(Source.DEFAULT),
    ALL(List.of(Source.values()));

    private final List<Source> sources;

    Choice(List<Source> sources) {
      this.sources = sources;
    }
  }

  /** An LRU cache in front of a predictor; a prefetched entry that is evicted unread is wasted. */
  private static Outcomes replay(IntFunction<Read> reads, List<Source> sources, boolean predicts) {
    var predictor = new SequencePredictor(new PredictorConfig(PARIS, MAX_BYTES, 1), sources);
    var cache = new LinkedHashMap<String, Boolean>(16, 0.75f, true);
    int misses = 0;
    int prefetches = 0;
    for (int i = 0; i < READS; i++) {
      Read read = reads.apply(i);
      String path = "t/" + read.id();
      Boolean unread = cache.get(path);
      Outcome outcome = unread == null ? Outcome.REMOTE : unread ? Outcome.PREFETCHED : Outcome.HOT;
      misses += unread == null ? 1 : 0;
      if (outcome == Outcome.PREFETCHED) {
        predictor.resolved(1, 0);
      }
      put(cache, path, false, predictor);
      predictor.observe(List.of(new AccessEvent(read.client(), path, PARIS, read.atMs(), outcome)));
      List<Prediction> said =
          predictor.proposals(key -> cache.containsKey(key.path()), predicts ? 64 : 0);
      for (Prediction each : said) {
        prefetches++;
        put(cache, each.key().path(), true, predictor);
      }
      assertThat(predictor.retainedBytes()).isLessThanOrEqualTo(MAX_BYTES);
    }
    return new Outcomes(misses, prefetches);
  }

  private static void put(
      Map<String, Boolean> cache, String path, boolean unread, SequencePredictor predictor) {
    cache.put(path, unread);
    if (cache.size() > CACHE) {
      var oldest = cache.entrySet().iterator();
      boolean wasted = oldest.next().getValue();
      oldest.remove();
      if (wasted) {
        predictor.resolved(0, 1);
      }
    }
  }

  private static void assertHarmless(Choice choice, IntFunction<Read> reads) {
    Outcomes without = replay(reads, choice.sources, false);
    Outcomes with = replay(reads, choice.sources, true);
    System.out.println(choice + ": " + with + ", without prediction " + without);
    assertThat(with.fetches()).isLessThanOrEqualTo((int) (1.05 * without.fetches()));
    assertThat(with.misses()).isLessThanOrEqualTo((int) (1.01 * without.misses()));
  }

  @ParameterizedTest
  @EnumSource
  void aScanOverKeysThatAreNeverReadAgain(Choice choice) {
    assertHarmless(choice, i -> new Read("scanner", "k" + i, i));
  }

  @ParameterizedTest
  @EnumSource
  void aFloodOfOneHitWonders_amongKeysThatAreInUse(Choice choice) {
    var random = new Random(5);
    int[] used = random.ints(READS, 0, 150).toArray();
    assertHarmless(
        choice, i -> new Read("c" + i % 7, i % 2 == 0 ? "flood" + i : "used" + used[i], i));
  }

  @ParameterizedTest
  @EnumSource
  void clientsOfWhomNoneComesAgain(Choice choice) {
    var random = new Random(6);
    int[] keys = random.ints(READS, 0, 3_000).toArray();
    assertHarmless(choice, i -> new Read("client" + i, "k" + keys[i], i));
  }

  @ParameterizedTest
  @ValueSource(
      longs = {0, -3_600_000, 86_400_000_000L, Long.MAX_VALUE / READS, Long.MIN_VALUE / READS})
  void timesThatStandStill_goBackwards_orLeap(long stepMs) {
    var random = new Random(7);
    int[] keys = random.ints(READS, 0, 3_000).toArray();
    assertHarmless(Choice.ALL, i -> new Read("c" + i % 7, "k" + keys[i], i * stepMs));
  }

  @ParameterizedTest
  @EnumSource
  void keysAsLongAsTheyMayBe(Choice choice) {
    String filler = "x".repeat(Key.MAX_BYTES - 12);
    var random = new Random(8);
    int[] keys = random.ints(READS, 0, 3_000).toArray();
    assertHarmless(choice, i -> new Read("c" + i % 7, filler + keys[i], i));
  }

  @ParameterizedTest
  @EnumSource
  void patternsThatChange_asSoonAsTheyAreLearned(Choice choice) {
    // The keys stay, and what follows what is drawn anew every 600 reads.
    var random = new Random(9);
    var order = new int[READS];
    for (int i = 0; i < READS; i++) {
      order[i] =
          i % 300 == 0 || i % 600 >= 300
              ? random.nextInt(2_000)
              : (order[i - 1] * 31 + i / 600) % 2_000;
    }
    assertHarmless(choice, i -> new Read("c", "k" + order[i], i));
  }

  @ParameterizedTest
  @EnumSource
  void aSequence_isPredictedAllTheSame(Choice choice) {
    IntFunction<Read> loop = i -> new Read("c", "k" + i % 600, i);
    Outcomes without = replay(loop, choice.sources, false);
    Outcomes with = replay(loop, choice.sources, true);
    System.out.println(choice + ": " + with + ", without prediction " + without);
    assertThat(with.misses()).isLessThan(without.misses() / 2);
    assertThat(with.fetches()).isLessThanOrEqualTo((int) (1.05 * without.fetches()));
  }
}
