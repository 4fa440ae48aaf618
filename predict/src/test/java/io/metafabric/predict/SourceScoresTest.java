package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Each source of the library's predictor is scored by itself, and can be off by itself. */
class SourceScoresTest {
  private static final List<Source> SOURCES =
      List.of(Source.NEEDS_FIRST_ORDER, Source.NEEDS_SECOND_ORDER);

  private final Foresight foresight =
      new Foresight(
          PARIS,
          List.of(new SequencePredictor(new PredictorConfig(PARIS, 8 << 20, 1), SOURCES)),
          8 << 20,
          1,
          (name, failure) -> {
            throw new AssertionError(name, failure);
          });
  private long nowMs;

  /** Reads one key, which has to be fetched; then what is proposed. */
  private List<Prediction> need(String id) {
    nowMs++;
    foresight.observe(List.of(new AccessEvent("anna", "t/" + id, PARIS, nowMs, Outcome.REMOTE)));
    return foresight.predictions(key -> false);
  }

  private PredictionScore score(Source source) {
    return foresight.stats().scores().stream()
        .filter(each -> each.predictor().equals("sequence:" + source.id()))
        .filter(each -> each.namespace().equals("t"))
        .findFirst()
        .orElseThrow();
  }

  private SourceStats stats(Source source) {
    return foresight.stats().sources().stream()
        .filter(each -> each.source().equals(source.id()))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void whatComesOfAPrefetch_countsForEachSourceThatProposedIt() {
    List<Prediction> said = List.of();
    for (int i = 0; i < 400; i++) {
      said = need("k" + i % 5);
    }
    Prediction next =
        said.stream().filter(each -> each.key().id().equals("k0")).findFirst().orElseThrow();
    foresight.stalled("t/k0", 20);
    foresight.requested("sequence", next.key());
    foresight.used("sequence", next.key().path());
    foresight.requested("sequence", next.key());
    foresight.wasted("sequence", next.key().path(), 70);

    for (Source source : SOURCES) {
      PredictionScore score = score(source);
      assertThat(score.region()).isEqualTo("paris");
      assertThat(score.predicted()).isGreaterThan(100);
      assertThat(score.recall()).as("nearly every need was foreseen").isGreaterThan(0.7);
      assertThat(score.used()).isEqualTo(1);
      assertThat(score.timeliness()).isEqualTo(1);
      assertThat(score.savedMs()).isEqualTo(20);
    }
  }

  @Test
  void anExplanation_namesTheSources_andWhatEachSaid() {
    for (int i = 0; i < 400; i++) {
      need("k" + i % 5);
    }
    List<PastPrediction> past = foresight.explain(Key.of("t/k0"));
    PastPrediction last = past.get(past.size() - 1);
    assertThat(last.says())
        .extracting(PastPrediction.Say::source)
        .containsExactlyInAnyOrder("needs-first-order", "needs-second-order");
    assertThat(last.says()).allMatch(say -> say.probability() > 0.5 && say.probability() < 1);
    assertThat(last.toString()).contains("needs-first-order 0.");
  }

  @Test
  void aSourceThatLeadsAstrayOfASudden_isOff_andOnAgainWhenItIsRight() {
    for (int i = 0; i < 6_000; i++) {
      need("k" + i % 600);
    }
    assertThat(stats(Source.NEEDS_FIRST_ORDER).on()).isTrue();
    assertThat(stats(Source.NEEDS_FIRST_ORDER).precision()).isGreaterThan(0.9);

    var random = new Random(3);
    boolean wasOff = false;
    for (int i = 0; i < 3_000; i++) {
      need("k" + random.nextInt(600));
      need("other" + i);
      wasOff |= !stats(Source.NEEDS_FIRST_ORDER).on();
    }
    assertThat(wasOff).isTrue();

    for (int i = 0; i < 40_000; i++) {
      need("k" + i % 600);
    }
    assertThat(stats(Source.NEEDS_FIRST_ORDER).on()).isTrue();
    assertThat(stats(Source.NEEDS_FIRST_ORDER).switchedOff()).isPositive();
  }
}
