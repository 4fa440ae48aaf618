package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.predict.PastPrediction.Result;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class PredictionLogTest {
  private static final long MAX_BYTES = 64 << 10;
  private static final long LARGE_BYTES = 32 << 20;
  private static final List<Source> SOURCES = List.of(Source.NEEDS_FIRST_ORDER, Source.CLIENT);
  private static final List<String> NAMES = List.of("s:needs-first-order", "s:client");

  private final PredictionLog log = new PredictionLog(List.of("s", "host"), 2, MAX_BYTES, 1);

  private void say(String predictor, String id, Says says, String reason) {
    log.add(
        new Prediction(Key.of("t/" + id), PARIS, 0.5, Duration.ofSeconds(30), reason, predictor),
        says,
        1_000,
        MAX_BYTES);
  }

  private static Says says(float first, float second, int cause) {
    return new Says(SOURCES, NAMES, new float[] {first, second}, cause);
  }

  private List<PastPrediction> on(String id) {
    return log.on("t/" + id, (predictor, says) -> predictor + " from " + says.cause());
  }

  private boolean isKnown(String id) {
    return !on(id).isEmpty();
  }

  @Test
  void whatSourcesSaid_isKept_andPutIntoWordsWhenItIsAskedFor() {
    say("s", "a", says(Float.NaN, 0.25f, 7), "built but not kept");
    say("host", "a", Says.NONE, "a whim");

    List<PastPrediction> past = on("a");
    assertThat(past).extracting(PastPrediction::reason).containsExactly("s from 7", "a whim");
    assertThat(past.get(0).says()).containsExactly(new PastPrediction.Say("client", 0.25));
    assertThat(past.get(1).says()).isEmpty();
    assertThat(past.get(0).probability()).isEqualTo(0.5);
  }

  @Test
  void whoseWordItWas_isToldToWhoeverNeedsTheKey_once() {
    say("s", "a", says(0.5f, Float.NaN, 0), "");

    List<PredictionLog.Said> foreseeing = log.needed("t/a", 2_000);
    assertThat(foreseeing).extracting(PredictionLog.Said::predictor).containsExactly("s");
    assertThat(foreseeing.get(0).says().scoredAs()).containsExactly("s:needs-first-order");
    assertThat(log.needed("t/a", 2_000)).isEmpty();
    assertThat(log.needed("t/b", 2_000)).isEmpty();
    assertThat(on("a").get(0).result()).isEqualTo(Result.NEEDED);
  }

  @Test
  void itGrowsWithWhatIsSaid_andTheOldestGoFirst() {
    long atFirst = log.retainedBytes();
    int said = 0;
    while (isKnown("k0") || said == 0) {
      say("s", "k" + said, says(0.5f, 0.5f, said), "");
      said++;
    }
    assertThat(said).isGreaterThan(300);
    assertThat(log.retainedBytes()).isBetween(2 * atFirst, MAX_BYTES);
    for (int i = 0; i < said; i++) {
      assertThat(isKnown("k" + i)).as("k%d of %d", i, said).isEqualTo(i > 0);
      assertThat(i == 0 || on("k" + i).get(0).reason().equals("s from " + i)).isTrue();
    }
  }

  @Test
  void whereLittleMayBeTaken_itStaysSmall() {
    for (int i = 0; i < 10_000; i++) {
      log.add(
          new Prediction(Key.of("t/" + i), PARIS, 0.5, Duration.ofSeconds(30), "", "s"),
          says(0.5f, 0.5f, 0),
          0,
          0);
    }
    assertThat(log.retainedBytes()).isLessThanOrEqualTo(16 << 10);
    assertThat(isKnown("9999")).isTrue();
  }

  @Test
  void aHostsLongReasons_stayWithinTheBound() {
    for (int i = 0; i < 1_000; i++) {
      say("host", "k" + i, Says.NONE, "because of it ".repeat(i % 50));
      assertThat(log.retainedBytes()).isLessThanOrEqualTo(MAX_BYTES);
    }
    assertThat(isKnown("k999")).isTrue();
    say("host", "long", Says.NONE, "x".repeat((int) MAX_BYTES));
    assertThat(log.retainedBytes()).isLessThanOrEqualTo(MAX_BYTES);
    assertThat(isKnown("long")).isFalse();
  }

  @Test
  void whatIsSaidAgain_takesThePlaceOfTheSame_butNotOfWhatWasFetched() {
    say("s", "a", says(0.5f, 0.5f, 1), "");
    say("s", "a", says(0.5f, 0.5f, 2), "");
    assertThat(on("a")).extracting(PastPrediction::reason).containsExactly("s from 2");

    log.fetched("s", "t/a");
    say("s", "a", says(0.5f, 0.5f, 3), "");
    assertThat(log.resolved("s", "t/a", Result.USED).scoredAs()).isEqualTo(NAMES);
    assertThat(on("a"))
        .extracting(PastPrediction::result)
        .containsExactly(Result.USED, Result.NOT_NEEDED);
  }

  /** In one chain they would take minutes. */
  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void keysThatWereMadeToHaveOneHash_areFoundAsQuicklyAsOthers() {
    PredictionLog large = large();
    var ids = OneHash.texts(1 << 17);
    ids.forEach(id -> say(large, id, LARGE_BYTES));
    for (String id : ids) {
      assertThat(large.needed("t/" + id, 1_000)).hasSize(1);
    }
  }

  /** Were it looked for among all that was taken back, this would take minutes. */
  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whatIsSaidAgainAndAgain_isNotLookedForAmongWhatWasTakenBack() {
    PredictionLog large = large();
    for (int i = 0; i < 1 << 18; i++) {
      say(large, "a", LARGE_BYTES);
    }
    assertThat(large.on("t/a", (predictor, says) -> "")).hasSize(1);
  }

  @Test
  void amongWhatIsSaidAgain_theOldestGoAndOthersStay() {
    for (int i = 0; i < 100_000; i++) {
      say(log, "a", MAX_BYTES);
      if (i % 3 == 0) {
        say(log, "k" + i % 60, MAX_BYTES);
      }
      if (i % 50 == 0) {
        assertThat(log.needed("t/a", 1_000)).hasSize(1);
      }
    }
    assertThat(on("a")).hasSize(PredictionLog.PER_KEY);
    for (int i = 0; i < 60; i += 3) {
      assertThat(on("k" + i)).as("k%d", i).hasSize(1);
    }
    for (int i = 0; i < 10_000; i++) {
      say(log, "z" + i, MAX_BYTES);
    }
    assertThat(isKnown("a")).isFalse();
    assertThat(isKnown("k57")).isFalse();
  }

  private static PredictionLog large() {
    return new PredictionLog(List.of("s", "host"), 2, 2 * LARGE_BYTES, 1);
  }

  private static void say(PredictionLog log, String id, long mayRetain) {
    log.add(
        new Prediction(Key.of("t/" + id), PARIS, 0.5, Duration.ofSeconds(30), "", "s"),
        says(0.5f, 0.5f, 0),
        1_000,
        mayRetain);
  }

  @Test
  void causes_areForgottenWithTheReferencesThatNamedThem() {
    say("s", "a", says(0.5f, 0.5f, 7), "");
    log.forgetCauses("host");
    assertThat(on("a").get(0).reason()).isEqualTo("s from 7");
    log.forgetCauses("s");
    assertThat(on("a").get(0).reason()).isEqualTo("s from 0");
  }
}
