package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static io.metafabric.predict.Reads.at;
import static io.metafabric.predict.Reads.by;
import static io.metafabric.predict.Reads.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class SuccessorPredictorTest {
  private final SuccessorPredictor predictor = predictor(1 << 20);

  private static SuccessorPredictor predictor(long maxBytes) {
    return new SuccessorPredictor(new PredictorConfig(PARIS, maxBytes, 1));
  }

  @Test
  void whatOneClientReadInARow_isPredictedForAnother() {
    predictor.observe(by("anna", "a", "b", "c"));

    assertThat(ids(predictor.predict(at("ben", "a")))).containsExactly("b", "c");
  }

  @Test
  void readsOfTwoClientsThatInterleave_areNotTakenForOnePath() {
    var events = new ArrayList<AccessEvent>();
    for (int i = 0; i < 10; i++) {
      events.addAll(by("anna", "a" + i));
      events.addAll(by("ben", "b" + i));
    }
    predictor.observe(events);

    assertThat(ids(predictor.predict(at("carl", "a0"))))
        .containsExactly("a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8");
  }

  @Test
  void aSuccessorSeenOnce_isDoubted_andOneSeenOften_isNot() {
    predictor.observe(by("anna", "a", "b"));
    double once = predictor.predict(at("anna", "a")).get(0).probability();
    for (int i = 0; i < 50; i++) {
      predictor.observe(by("client" + i, "a", "b"));
    }
    double often = predictor.predict(at("anna", "a")).get(0).probability();

    assertThat(once).isEqualTo(1.0 / 3);
    assertThat(often).isBetween(0.9, 1.0);
  }

  @Test
  void theLikelierSuccessor_comesFirst() {
    for (int i = 0; i < 30; i++) {
      predictor.observe(by("client" + i, "a", i % 3 == 0 ? "rare" : "common"));
    }

    assertThat(ids(predictor.predict(at("anna", "a")))).containsExactly("common", "rare");
  }

  @Test
  void readingAKeyTwiceInARow_teachesNothing() {
    predictor.observe(by("anna", "a", "a", "a", "b"));

    assertThat(ids(predictor.predict(at("anna", "a")))).containsExactly("b");
    assertThat(predictor.predict(at("anna", "a")).get(0).probability()).isEqualTo(1.0 / 3);
  }

  @Test
  void aKeyIsNeverItsOwnSuccessor() {
    for (int i = 0; i < 20; i++) {
      predictor.observe(by("anna", "a", "b"));
    }

    assertThat(ids(predictor.predict(at("anna", "a")))).containsExactly("b");
    assertThat(ids(predictor.predict(at("anna", "b")))).containsExactly("a");
  }

  @Test
  void aLikelyPath_isFollowedBeyondTheWindow() {
    for (int i = 0; i < 40; i++) {
      predictor.observe(
          by("client" + i, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"));
    }

    var upToTwenty =
        new PredictionContext(
            "anna", List.of("t/a"), PARIS, 0, java.time.Duration.ofSeconds(1), 20);
    List<Prediction> predicted = predictor.predict(upToTwenty);

    assertThat(ids(predicted))
        .containsExactly("b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m");
    double inTheWindow = 40.0 / 42;
    assertThat(predicted.get(11).probability())
        .as("three steps, each as likely as one within the window")
        .isCloseTo(Math.pow(inTheWindow, 3), within(1e-9));
  }

  @Test
  void aPathThatSplits_losesProbabilityOnTheWay() {
    for (int i = 0; i < 40; i++) {
      predictor.observe(by("client" + i, "a", "hub"));
      predictor.observe(by("other" + i, "hub", "end" + i % 4));
    }

    List<Prediction> predicted = predictor.predict(at("anna", "a"));

    assertThat(predicted.get(0).key().id()).isEqualTo("hub");
    assertThat(predicted).filteredOn(p -> p.key().id().startsWith("end")).hasSize(4);
    assertThat(predicted.get(1).probability()).isLessThan(predicted.get(0).probability() / 4);
  }

  @Test
  void oldHabits_giveWayToNewOnes() {
    for (int i = 0; i < 400; i++) {
      predictor.observe(by("old" + i, "a", "before"));
    }
    for (int i = 0; i < 200; i++) {
      predictor.observe(by("new" + i, "a", "now"));
    }

    assertThat(predictor.predict(at("anna", "a")).get(0).key().id()).isEqualTo("now");
  }

  @Test
  void anUnknownKey_predictsNothing() {
    assertThat(predictor.predict(at("anna", "a"))).isEmpty();
  }

  @Test
  void noMoreIsPredictedThanAskedFor() {
    predictor.observe(by("anna", "a", "b", "c", "d", "e"));
    var two =
        new PredictionContext("anna", List.of("t/a"), PARIS, 0, java.time.Duration.ofSeconds(1), 2);

    assertThat(predictor.predict(two)).hasSize(2);
  }

  @Test
  void aMillionKeysAndClientsThatNeverComeBack_stayWithinTheBytes() {
    long maxBytes = 1 << 20;
    SuccessorPredictor small = predictor(maxBytes);
    for (int i = 0; i < 1000; i++) {
      var events = new ArrayList<AccessEvent>();
      for (int j = 0; j < 1000; j++) {
        events.addAll(by("client" + i + "/" + j, "key" + i + "/" + j));
      }
      small.observe(events);
      assertThat(small.retainedBytes()).isLessThanOrEqualTo(maxBytes);
    }

    assertThat(small.trackedKeys()).isGreaterThan(1000);
  }

  @Test
  void aFullTable_takesAtMost200BytesAKey() {
    SuccessorPredictor full = predictor(PredictorConfig.DEFAULT_MAX_BYTES);
    var events = new ArrayList<AccessEvent>();
    for (int i = 0; i < 100_000; i++) {
      events.addAll(by("anna", "catalogue/item/" + i));
    }
    full.observe(events);

    assertThat(full.retainedBytes() / full.trackedKeys()).isBetween(100L, 200L);
  }

  @Test
  void aPathInUse_survivesAScanOverNewKeys() {
    SuccessorPredictor small = predictor(256 << 10);
    for (int i = 0; i < 20_000; i++) {
      small.observe(by("scan", "new" + i));
      if (i % 100 == 0) {
        small.observe(by("anna", "a", "b", "c"));
      }
    }

    assertThat(ids(small.predict(at("anna", "a")))).contains("b", "c");
  }

  @RepeatedTest(20)
  void theSameReads_giveTheSamePredictions_howeverTheyAreCutIntoBatches(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    var events = new ArrayList<AccessEvent>();
    for (int i = 0; i < 5_000; i++) {
      events.addAll(by("client" + random.nextInt(5), "k" + Math.abs(random.nextGaussian() * 900)));
    }
    SuccessorPredictor atOnce = predictor(PredictorConfig.MIN_MAX_BYTES);
    SuccessorPredictor inBatches = predictor(PredictorConfig.MIN_MAX_BYTES);
    atOnce.observe(events);
    for (int from = 0; from < events.size(); ) {
      int to = Math.min(events.size(), from + 1 + random.nextInt(50));
      inBatches.observe(events.subList(from, to));
      from = to;
    }

    for (AccessEvent event : events) {
      PredictionContext context = at("anna", event.key().substring(2));
      List<Prediction> predicted = atOnce.predict(context);
      assertThat(inBatches.predict(context)).as("seed %d", seed).isEqualTo(predicted);
    }
  }
}
