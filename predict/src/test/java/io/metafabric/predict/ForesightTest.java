package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static io.metafabric.predict.Reads.by;
import static io.metafabric.predict.Reads.ids;
import static io.metafabric.predict.Reads.prediction;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.error.ConfigurationException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class ForesightTest {
  private final List<String> failures = new ArrayList<>();

  /** Says what it is told to, and learns nothing. */
  private static final class Scripted implements Predictor {
    private final String name;
    private final Supplier<List<Prediction>> says;
    private final List<PredictionContext> asked = new ArrayList<>();
    private long bytes;

    Scripted(String name, Supplier<List<Prediction>> says) {
      this.name = name;
      this.says = says;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public void observe(List<AccessEvent> events) {}

    @Override
    public List<Prediction> predict(PredictionContext context) {
      asked.add(context);
      return says.get();
    }

    @Override
    public long retainedBytes() {
      return bytes;
    }
  }

  private Foresight foresight(Predictor... predictors) {
    return new Foresight(
        PARIS,
        List.of(predictors),
        1 << 20,
        1,
        (name, failure) -> failures.add(name + ": " + failure.getMessage()));
  }

  private static List<Prediction> nothing() {
    return List.of();
  }

  @Test
  void timeDoesNotGoBackByALittle_butWithAClockThatWasSetRight() {
    var scripted = new Scripted("s", ForesightTest::nothing);
    Foresight foresight = foresight(scripted);
    long yearMs = 365 * 86_400_000L;
    long[] clockMs = {1_000_000, 990_000, yearMs, 1_100_000, 1_050_000, 1_200_000};
    for (long atMs : clockMs) {
      foresight.observe(List.of(new AccessEvent("anna", "t/a", PARIS, atMs, Outcome.WARM)));
      foresight.predictions(key -> false);
    }
    assertThat(scripted.asked)
        .extracting(PredictionContext::nowMs)
        .containsExactly(1_000_000L, 1_000_000L, yearMs, 1_100_000L, 1_100_000L, 1_200_000L);
  }

  @Test
  void clientsThatReadSinceTheLastCall_areAskedFor_withTheirLastKeys() {
    var scripted = new Scripted("s", ForesightTest::nothing);
    Foresight foresight = foresight(scripted);
    foresight.observe(by("anna", "a", "b", "b", "c"));
    foresight.predictions(key -> false);
    foresight.observe(by("ben", "x"));
    foresight.predictions(key -> false);
    foresight.predictions(key -> false);

    assertThat(scripted.asked).extracting(PredictionContext::client).containsExactly("anna", "ben");
    assertThat(scripted.asked.get(0).lastKeys()).containsExactly("t/c", "t/b");
    assertThat(scripted.asked.get(1).lastKeys()).containsExactly("t/x");
  }

  @Test
  void theSurestPredictorOfAKey_isNamed_andTheLikeliestKeyComesFirst() {
    Foresight foresight =
        foresight(
            new Scripted("one", () -> List.of(prediction("a", 0.4, "one"))),
            new Scripted(
                "two", () -> List.of(prediction("a", 0.6, "two"), prediction("b", 0.9, "two"))));
    foresight.observe(by("anna", "x"));
    List<Prediction> predictions = foresight.predictions(key -> false);

    assertThat(ids(predictions)).containsExactly("b", "a");
    assertThat(predictions.get(1).predictor()).isEqualTo("two");
  }

  @Test
  void whatIsHeld_isLeftOut_andCostsNoProbe() {
    Foresight foresight = foresight(new Scripted("s", () -> List.of(prediction("a", 1, "s"))));
    for (int i = 0; i < 300; i++) {
      foresight.made("s");
      foresight.wasted("s", "t/a", 100);
    }
    for (int i = 0; i < 1_000; i++) {
      foresight.observe(by("anna", "x" + i));
      assertThat(foresight.predictions(key -> true)).isEmpty();
    }

    assertThat(foresight.stats().predictors().get(0).open()).isFalse();
    assertThat(foresight.stats().predictors().get(0).withheld()).isZero();
  }

  @Test
  void aPredictorWhosePrefetchesAreWasted_isClosed_andTheOtherStaysOpen() {
    Foresight foresight =
        foresight(
            new Scripted("good", () -> List.of(prediction("a", 1, "good"))),
            new Scripted("poor", () -> List.of(prediction("b", 1, "poor"))));
    for (int i = 0; i < 300; i++) {
      foresight.made("good");
      foresight.used("good", "t/a");
      foresight.made("poor");
      foresight.wasted("poor", "t/a", 100);
    }
    foresight.observe(by("anna", "x"));

    assertThat(ids(foresight.predictions(key -> false))).containsExactly("a");
    ForesightStats stats = foresight.stats();
    assertThat(stats.predictors())
        .extracting(ForesightStats.PerPredictor::open)
        .containsExactly(true, false);
    assertThat(stats.predictors().get(1).wasted()).isEqualTo(300);
  }

  @Test
  void aPredictorThatThrows_isReportedOnceAndOff_andTheOthersGoOn() {
    Foresight foresight =
        foresight(
            new Scripted(
                "broken",
                () -> {
                  throw new StackOverflowError("deep");
                }),
            new Scripted("sound", () -> List.of(prediction("a", 1, "sound"))));
    for (int i = 0; i < 3; i++) {
      foresight.observe(by("anna", "x" + i));
      assertThat(ids(foresight.predictions(key -> false))).containsExactly("a");
    }

    assertThat(failures).containsExactly("broken: deep");
    assertThat(foresight.stats().predictors().get(0).failed()).isTrue();
    assertThat(foresight.stats().predictors().get(0).open()).isFalse();
  }

  @Test
  void aPredictorThatOutgrowsItsBytes_isOff() {
    var greedy = new Scripted("greedy", ForesightTest::nothing);
    greedy.bytes = (1 << 20) + 1;
    Foresight foresight = foresight(greedy);
    foresight.observe(by("anna", "x"));

    assertThat(failures).containsExactly("greedy: 1048577 bytes retained, more than 1048576");
    assertThat(foresight.stats().predictors().get(0).retainedBytes()).isZero();
  }

  @Test
  void predictionsCountForWhoMadeThem_whateverNameTheyCarry() {
    Foresight foresight =
        foresight(new Scripted("honest", () -> List.of(prediction("a", 1, "another"))));
    foresight.observe(by("anna", "x"));

    assertThat(foresight.predictions(key -> false).get(0).predictor()).isEqualTo("honest");
  }

  @Test
  void outcomesInTheNameOfNobody_areCountedApart() {
    Foresight foresight = foresight();
    foresight.used("nobody", "t/a");
    foresight.wasted("nobody", "t/a", 100);
    foresight.made("nobody");

    assertThat(foresight.stats().unattributed()).isEqualTo(3);
  }

  @Test
  void moreThanACallReturns_isDroppedAndCounted() {
    var many = new ArrayList<Prediction>();
    for (int i = 0; i < 8; i++) {
      many.add(prediction("k" + i, 1, "s"));
    }
    var distinct = new int[1];
    var scripted =
        new Scripted(
            "s",
            () -> {
              int n = distinct[0]++;
              return many.stream()
                  .map(each -> prediction(each.key().id() + "/" + n, 1, "s"))
                  .toList();
            });
    Foresight foresight = foresight(scripted);
    for (int i = 0; i < 50; i++) {
      foresight.observe(by("client" + i, "x"));
    }

    assertThat(foresight.predictions(key -> false)).hasSize(256);
    assertThat(foresight.stats().surplus()).isEqualTo(50 * 8 - 256);
  }

  @Test
  void ofVeryManyClients_eachHasItsTurn() {
    var scripted = new Scripted("s", ForesightTest::nothing);
    Foresight foresight = foresight(scripted);
    for (int i = 0; i < 150; i++) {
      foresight.observe(by("client" + i, "x"));
    }

    foresight.predictions(key -> false);
    assertThat(scripted.asked).hasSize(64);
    foresight.predictions(key -> false);
    foresight.predictions(key -> false);
    assertThat(scripted.asked.stream().map(PredictionContext::client).distinct()).hasSize(150);
  }

  @Test
  void twoPredictorsOfOneName_areRefused() {
    assertThatThrownBy(
            () ->
                foresight(
                    new Scripted("s", ForesightTest::nothing),
                    new Scripted("s", ForesightTest::nothing)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("two predictors are named \"s\"");
  }

  @Test
  void clientsThatNeverComeBack_doNotGrowTheTrails() {
    var trails = new Trails(64 << 10);
    for (int i = 0; i < 10_000; i++) {
      trails.append("client" + i, "t/" + "k".repeat(i % 300));
      assertThat(trails.retainedBytes()).isLessThanOrEqualTo(64 << 10);
    }

    List<Trails.Trail> active = trails.takeActive(Integer.MAX_VALUE);
    assertThat(trails.forgotten() + active.size()).isEqualTo(10_000);
    assertThat(active).noneMatch(trail -> trail.newestFirst().isEmpty());
  }
}
