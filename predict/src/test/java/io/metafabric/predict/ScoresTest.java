package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static io.metafabric.predict.Reads.prediction;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How predictors are scored on the reads, and what is kept of a key's predictions. */
class ScoresTest {
  private final List<Prediction> script = new ArrayList<>();
  private final Foresight foresight =
      new Foresight(PARIS, List.of(new Scripted()), 1 << 20, 1, (name, failure) -> {});
  private long nowMs = 1_000;

  /** Says what the test has written down. */
  private final class Scripted implements Predictor {
    @Override
    public String name() {
      return "s";
    }

    @Override
    public void observe(List<AccessEvent> events) {}

    @Override
    public List<Prediction> predict(PredictionContext context) {
      return List.copyOf(script);
    }

    @Override
    public long retainedBytes() {
      return 0;
    }
  }

  private void read(String id, Outcome outcome) {
    foresight.observe(List.of(new AccessEvent("anna", "t/" + id, PARIS, nowMs, outcome)));
  }

  private void predict(String... ids) {
    script.clear();
    for (String id : ids) {
      script.add(prediction(id, 0.8, "s"));
    }
    read("z", Outcome.HOT);
    foresight.predictions(key -> false);
  }

  private PredictionScore score(String predictor, String namespace) {
    return foresight.stats().scores().stream()
        .filter(each -> each.predictor().equals(predictor) && each.namespace().equals(namespace))
        .findFirst()
        .orElseThrow();
  }

  private List<PastPrediction.Result> resultsOf(String id) {
    return foresight.explain(Key.of("t/" + id)).stream().map(PastPrediction::result).toList();
  }

  @Test
  void needsThatWerePredicted_areForeseen_eachOnce() {
    predict("a", "b");
    read("a", Outcome.REMOTE);
    read("a", Outcome.REMOTE);
    read("c", Outcome.ORIGIN);
    read("b", Outcome.HOT);

    PredictionScore score = score("s", "t");
    assertThat(score.predicted()).isEqualTo(2);
    assertThat(score.needs()).isEqualTo(3);
    assertThat(score.foreseen()).isEqualTo(1);
    assertThat(score.recall()).isCloseTo(1.0 / 3, within(1e-9));
    assertThat(score(PredictionScore.ALL, PredictionScore.ALL).foreseen()).isEqualTo(1);
    assertThat(resultsOf("a")).containsExactly(PastPrediction.Result.NEEDED);
    assertThat(resultsOf("b")).containsExactly(PastPrediction.Result.NOT_NEEDED);
  }

  @Test
  void aNeedBeyondTheHorizon_wasNotForeseen() {
    predict("a");
    nowMs += Duration.ofSeconds(31).toMillis();
    read("a", Outcome.REMOTE);
    assertThat(score(PredictionScore.ALL, "t").foreseen()).isZero();
  }

  @Test
  void prefetches_areScoredByWhatTheySavedAndWasted() {
    foresight.stalled("t/x", 40);
    predict("a", "b", "c");
    for (String id : List.of("a", "b", "c")) {
      foresight.requested("s", Key.of("t/" + id));
      foresight.made("s");
    }
    foresight.used("s", "t/a");
    read("a", Outcome.PREFETCHED);
    foresight.usedLate("s", "t/b", 10);
    foresight.wasted("s", "t/c", 700);

    PredictionScore score = score("s", PredictionScore.ALL);
    assertThat(score.requested()).isEqualTo(3);
    assertThat(score.used()).isEqualTo(2);
    assertThat(score.precision()).isCloseTo(2.0 / 3, within(1e-9));
    assertThat(score.timeliness()).isEqualTo(0.5);
    assertThat(score.meanLateMs()).isEqualTo(10);
    assertThat(score.wastedBytes()).isEqualTo(700);
    assertThat(score.savedMs()).isEqualTo(40 + 30);
    assertThat(score.region()).isEqualTo("paris");
    assertThat(score(PredictionScore.ALL, "t").savedMs()).isEqualTo(70);
    assertThat(resultsOf("a")).containsExactly(PastPrediction.Result.USED);
    assertThat(resultsOf("b")).containsExactly(PastPrediction.Result.LATE);
    assertThat(resultsOf("c")).containsExactly(PastPrediction.Result.WASTED);
    assertThat(foresight.explain(Key.of("t/a")).get(0)).hasToString("s: p=0.80 because: used");
  }

  @Test
  void ofAKey_theLastFewPredictionsAreKept() {
    for (int i = 0; i < 10; i++) {
      predict("a");
      predict("a");
      read("a", Outcome.REMOTE);
    }
    assertThat(resultsOf("a"))
        .hasSize(PredictionLog.PER_KEY)
        .containsOnly(PastPrediction.Result.NEEDED);
    assertThat(foresight.explain(Key.of("t/never"))).isEmpty();
  }

  @Test
  void floodsOfKeysAndNamespaces_stayWithinTheBound() {
    for (int i = 0; i < 20_000; i++) {
      script.clear();
      Key key = Key.of("n" + i % 300 + "/" + "k".repeat(1 + i % 500) + i);
      script.add(new Prediction(key, PARIS, 0.9, Duration.ofSeconds(30), "flood", "s"));
      foresight.observe(List.of(new AccessEvent("c", key.path(), PARIS, i, Outcome.REMOTE)));
      foresight.predictions(held -> false);
    }
    ForesightStats stats = foresight.stats();
    assertThat(stats.retainedBytes()).isLessThanOrEqualTo(stats.maxRetainedBytes());
    assertThat(stats.scores()).hasSizeLessThanOrEqualTo(2 * (Namespaces.MAX + 2));
    assertThat(score("*", PredictionScore.OTHERS).needs()).isPositive();
    assertThat(score("*", "*").needs()).isEqualTo(20_000);
  }
}
