package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SequencePredictorTest {
  private static SequencePredictor predictor(long maxBytes) {
    return new SequencePredictor(new PredictorConfig(PARIS, maxBytes, 1));
  }

  private static AccessEvent needed(String client, String id) {
    return new AccessEvent(client, "t/" + id, PARIS, 0, Outcome.REMOTE);
  }

  /** One client after the other needs the keys; what is said after the last one of the last. */
  private static List<String> afterRounds(SequencePredictor predictor, int rounds, String... ids) {
    List<Prediction> said = List.of();
    for (int round = 0; round < rounds; round++) {
      for (String id : ids) {
        predictor.observe(List.of(needed("client" + round, id)));
        said = predictor.proposals(key -> false, 64);
      }
    }
    return Reads.ids(said);
  }

  @Test
  void whatOneClientsNeedsWereFollowedBy_isProposedToAnother() {
    var predictor = predictor(1 << 20);
    String[] ids = IntStream.range(0, 20).mapToObj(i -> "k" + i).toArray(String[]::new);
    afterRounds(predictor, 40, ids);
    predictor.observe(List.of(needed("newcomer", "k3")));
    predictor.proposals(key -> false, 64);
    predictor.observe(List.of(needed("newcomer", "k4")));
    List<Prediction> said = predictor.proposals(key -> false, 64);

    assertThat(Reads.ids(said)).containsExactly("k5");
    assertThat(said.get(0).probability()).isBetween(0.5, 1.0);
    assertThat(said.get(0).reason()).isEqualTo("after t/k4");
    assertThat(predictor.brierScore()).isLessThan(0.2);
  }

  @Test
  void whichOfTwoFollows_isToldByTheKeyBefore() {
    var predictor = predictor(1 << 20);
    for (int i = 0; i < 200; i++) {
      afterRounds(predictor, 1, "a", "x", "p", "q" + i);
      afterRounds(predictor, 1, "b", "x", "r", "s" + i);
    }
    assertThat(afterRounds(predictor, 1, "a", "x")).startsWith("p");
    assertThat(afterRounds(predictor, 1, "b", "x")).startsWith("r");
  }

  @Test
  void whatIsHeld_isNotProposed() {
    var predictor = predictor(1 << 20);
    afterRounds(predictor, 60, "a", "b", "c", "d");
    predictor.observe(List.of(needed("z", "a"), needed("z", "b")));
    assertThat(predictor.proposals(key -> key.id().equals("c"), 64))
        .noneMatch(said -> said.key().id().equals("c"));
  }

  @Test
  void amongUnrelatedKeys_nothingIsLetThrough() {
    long seed = 3;
    var random = new Random(seed);
    var predictor = predictor(1 << 20);
    int said = 0;
    for (int i = 0; i < 20_000; i++) {
      predictor.observe(List.of(needed("client", "k" + random.nextInt(5_000))));
      int now = predictor.proposals(key -> false, 64).size();
      predictor.resolved(0, now);
      said += now;
    }
    assertThat(said).as("seed %s", seed).isLessThan(20_000 / 50);
  }

  @Test
  void floodsOfKeysAndClients_stayWithinTheBound() {
    long maxBytes = 256 << 10;
    var predictor = predictor(maxBytes);
    for (int i = 0; i < 50_000; i++) {
      String id = "k".repeat(1 + i % 900) + i;
      predictor.observe(List.of(needed("client" + i, id)));
      predictor.proposals(key -> false, 64);
      assertThat(predictor.retainedBytes()).isLessThanOrEqualTo(maxBytes);
    }
  }

  @Test
  void aTrackedKey_takesTwoHundredBytesAtMost_howeverManyThereAre() {
    var predictor = predictor(PredictorConfig.DEFAULT_MAX_BYTES);
    long before = predictor.retainedBytes();
    var random = new Random(1);
    for (int i = 0; i < 400_000; i++) {
      predictor.observe(List.of(needed("c" + i % 50, "item/" + random.nextInt(60_000))));
      if (i > 10_000) {
        long bytes = predictor.retainedBytes() - before;
        assertThat(bytes).isLessThanOrEqualTo(200L * predictor.trackedKeys());
      }
    }
  }

  @Test
  void prefetchesThatComeLate_makeItLookFurther_andNotForLong() {
    var predictor = predictor(1 << 20);
    for (int i = 0; i < 5; i++) {
      predictor.resolved(100, 0);
    }
    assertThat(predictor.depth()).isEqualTo(SequencePredictor.MAX_DEPTH);
    String[] ids = IntStream.range(0, 30).mapToObj(i -> "k" + i).toArray(String[]::new);
    afterRounds(predictor, 60, ids);
    assertThat(afterRounds(predictor, 1, "k0", "k1", "k2"))
        .contains("k3", "k4", "k5")
        .hasSizeGreaterThan(3);
    for (int i = 0; i < 2_000; i++) {
      predictor.observe(
          List.of(new AccessEvent("c", "t/k" + i % 30, PARIS, 0, Outcome.PREFETCHED)));
      predictor.resolved(1, 0);
    }
    assertThat(predictor.depth()).isEqualTo(1);
  }

  /** With one proposal of a key at a time, the early one would take the place of the surer one. */
  @Test
  void whatIsProposedFromAfarAndFromNearby_isFollowedUpTwice() {
    var predictor = predictor(1 << 20);
    predictor.resolved(100, 0);
    assertThat(predictor.depth()).isGreaterThan(1);
    afterRounds(predictor, 60, "a", "b", "c");
    afterRounds(predictor, 1, "a", "b");
    long before = cameTrue(predictor);
    afterRounds(predictor, 1, "c");
    assertThat(cameTrue(predictor)).isEqualTo(before + 2);
  }

  private static long cameTrue(SequencePredictor predictor) {
    return predictor.ranking().bins().stream().mapToLong(RankingStats.Bin::cameTrue).sum();
  }

  @Test
  void theHorizon_growsWhereManyClientsTakeTurns() {
    assertThat(horizonNeeds(1)).isEqualTo(SequencePredictor.HORIZON_NEEDS);
    assertThat(horizonNeeds(8)).isEqualTo(SequencePredictor.HORIZON_NEEDS);
    assertThat(horizonNeeds(32)).isBetween(90, 96);
    assertThat(horizonNeeds(500)).isEqualTo(SequencePredictor.MOST_HORIZON_NEEDS);
  }

  private static int horizonNeeds(int clients) {
    var predictor = predictor(1 << 20);
    for (int i = 0; i < 10_000; i++) {
      predictor.observe(List.of(needed("client" + i % clients, "k" + i % 100)));
    }
    return predictor.horizonNeeds();
  }

  @Test
  void proposalsThatNobodyAsksFor_areDroppedAndCounted() {
    var predictor = predictor(1 << 20);
    afterRounds(predictor, 5, "a", "b", "c", "d");
    assertThat(predictor.dropped()).isZero();
    for (int i = 0; i < Proposals.MAX; i++) {
      predictor.observe(
          List.of(needed("x", "a"), needed("x", "b"), needed("x", "c"), needed("x", "d")));
    }
    assertThat(predictor.dropped()).isPositive();
  }

  @Test
  void aPredictorWithOneSource_reportsUnderItsOwnName() {
    var alone =
        new SequencePredictor(new PredictorConfig(PARIS, 1 << 20, 1), List.of(Source.CLIENT));
    assertThat(alone.ranking().predictor()).isEqualTo("client");
  }

  @Test
  void theSameReads_giveTheSameProposals() {
    assertThat(recorded()).isEqualTo(recorded()).isNotEmpty();
  }

  private static List<String> recorded() {
    var predictor = predictor(1 << 20);
    var random = new Random(9);
    var said = new ArrayList<String>();
    Set<String> held = new HashSet<>();
    for (int i = 0; i < 5_000; i++) {
      int start = random.nextInt(20) * 10;
      for (int j = 0; j < 5; j++) {
        String id = "k" + (start + j);
        predictor.observe(List.of(needed("c" + i % 3, id)));
        held.add(id);
        predictor
            .proposals(key -> false, 64)
            .forEach(each -> said.add(each.key() + " " + each.probability()));
      }
    }
    return said;
  }
}
