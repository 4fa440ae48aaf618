package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.benchmarks.replay.Generated.Row;
import io.metafabric.core.record.Key;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Requests that are made to break prediction, through all that a fabric is made of: hot tier, ring,
 * foresight and ARM. Where nothing can be predicted nothing much is fetched, and hardly more is
 * missed than without prediction, nor than LRU would.
 */
class TierAdversaryTest {
  private static final int ROWS = 60_000;
  private static final int CAPACITY = 200;
  private static final long MOST_PREDICTOR_BYTES = 64L << 20;

  private static RunResult assertHarmless(IntFunction<Row> rows) {
    return assertHarmless(rows, false);
  }

  /**
   * @param isForeseen whether nearly all of it is fetched ahead: then each fetch saves a wait, and
   *     there are as many as LRU has misses, not as few as what is kept of a loop allows
   */
  private static RunResult assertHarmless(IntFunction<Row> rows, boolean isForeseen) {
    Trace trace = Generated.trace("adversary", ROWS, rows);
    RunResult without = Generated.replay(trace, "fabric-no-prediction", CAPACITY);
    RunResult with = Generated.replay(trace, "fabric", CAPACITY);
    long lru = Generated.replay(trace, "lru", CAPACITY).misses();
    String all =
        String.format(
            "%s misses and %s prefetches, %s without prediction, LRU %s",
            with.misses(), with.prefetches(), without.misses(), lru);
    System.out.println(all);
    assertThat(with.misses() + with.prefetches())
        .as(all)
        .isLessThanOrEqualTo((long) (1.05 * (isForeseen ? lru : without.misses())));
    assertThat(with.misses()).as(all).isLessThanOrEqualTo((long) (1.01 * without.misses()));
    assertThat(with.misses()).as(all).isLessThanOrEqualTo((long) (1.02 * lru));
    assertThat(with.predictorBytes()).isLessThanOrEqualTo(MOST_PREDICTOR_BYTES);
    return with;
  }

  @Test
  void aScanOverKeysThatAreNeverReadAgain() {
    assertHarmless(i -> new Row("scanner", "k" + i, i));
  }

  @Test
  void aFloodOfOneHitWonders_amongKeysThatAreInUse() {
    int[] used = new Random(5).ints(ROWS, 0, 150).toArray();
    assertHarmless(i -> new Row("c" + i % 7, i % 2 == 0 ? "flood" + i : "used" + used[i], i));
  }

  @Test
  void clientsOfWhomNoneComesAgain() {
    int[] keys = new Random(6).ints(ROWS, 0, 3_000).toArray();
    assertHarmless(i -> new Row("client" + i, "k" + keys[i], i));
  }

  @ParameterizedTest
  @ValueSource(
      longs = {0, -3_600_000, 86_400_000_000L, Long.MAX_VALUE / ROWS, Long.MIN_VALUE / ROWS})
  void timesThatStandStill_goBackwards_orLeap(long stepMs) {
    int[] keys = new Random(7).ints(ROWS, 0, 3_000).toArray();
    assertHarmless(i -> new Row("c" + i % 7, "k" + keys[i], i * stepMs));
  }

  @Test
  void keysAsLongAsTheyMayBe() {
    int[] keys = new Random(8).ints(ROWS, 0, 3_000).toArray();
    // The replay puts its namespace in front.
    String filler = "x".repeat(Key.MAX_BYTES - "trace/".length() - 4);
    assertHarmless(i -> new Row("c" + i % 7, filler + (1_000 + keys[i]), i));
  }

  @Test
  void patternsThatChange_asSoonAsTheyAreLearned() {
    var random = new Random(9);
    var order = new int[ROWS];
    for (int i = 0; i < ROWS; i++) {
      order[i] =
          i % 300 == 0 || i % 600 >= 300
              ? random.nextInt(2_000)
              : (order[i - 1] * 31 + i / 600) % 2_000;
    }
    assertHarmless(i -> new Row("c", "k" + order[i], i));
  }

  @Test
  void aSequence_isPredictedAllTheSame() {
    RunResult with = assertHarmless(i -> new Row("c", "k" + i % 600, i), true);
    assertThat(with.misses()).isLessThan(ROWS / 20);
  }
}
