package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Each source by itself, as a predictor of its own. */
class SourcesTest {
  private static final RegionName LIMA = new RegionName("lima");
  private static final long HOUR_MS = Duration.ofHours(1).toMillis();
  private static final long DAY_MS = 24 * HOUR_MS;

  private static SequencePredictor only(Source source) {
    return new SequencePredictor(new PredictorConfig(PARIS, 4 << 20, 1), List.of(source));
  }

  private static AccessEvent read(String client, String id, long atMs, Outcome outcome) {
    return new AccessEvent(client, "t/" + id, PARIS, atMs, outcome);
  }

  private static void need(SequencePredictor predictor, String client, String id, long atMs) {
    predictor.observe(List.of(read(client, id, atMs, Outcome.REMOTE)));
  }

  private static List<String> said(SequencePredictor predictor) {
    return Reads.ids(predictor.proposals(key -> false, 64));
  }

  @Test
  void eachIsAPredictorOfItsName_andIsFoundByIt() {
    for (Source source : Source.values()) {
      assertThat(only(source).name()).isEqualTo(source.id());
      assertThat(Source.of(source.id())).isEqualTo(source);
    }
    assertThatThrownBy(() -> Source.of("crystal-ball"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("needs-first-order, needs-second-order");
  }

  @Test
  void askedForOneClient_itSaysWhatFollowsWhereThatStands_andLearnsNothing() {
    for (Source source :
        List.of(
            Source.NEEDS_FIRST_ORDER,
            Source.NEEDS_SECOND_ORDER,
            Source.READS_SECOND_ORDER,
            Source.CLIENT)) {
      SequencePredictor predictor = only(source);
      for (int i = 0; i < 400; i++) {
        need(predictor, "c" + i / 100, "k" + i % 20, i);
        predictor.proposals(key -> false, 64);
      }
      List<Prediction> said = predictor.predict(Reads.at("c9", "k4", "k3"));
      assertThat(Reads.ids(said)).as("%s", source).first().isEqualTo("k5");
      assertThat(said.get(0).predictor()).isEqualTo(source.id());
      assertThat(predictor.predict(Reads.at("c9", "k4", "k3"))).isEqualTo(said);
      assertThat(predictor.predict(Reads.at("c9", "never-read"))).isEmpty();
    }
  }

  @Test
  void coAccess_findsKeysThatAreNeededTogether_whoeverNeedsThem_amongNoise() {
    var config = new PredictorConfig(PARIS, PredictorConfig.DEFAULT_MAX_BYTES, 1);
    var predictor = new SequencePredictor(config, List.of(Source.CO_ACCESS));
    var random = new Random(1);
    int found = 0;
    for (int round = 0; round < 12; round++) {
      for (int pair = 0; pair < 1_500; pair++) {
        need(predictor, "c" + round, "a" + pair, 0);
        found += said(predictor).contains("b" + pair) ? 1 : 0;
        need(predictor, "d", "noise" + random.nextInt(1_000_000), 0);
        need(predictor, "e" + round % 3, "b" + pair, 0);
        predictor.proposals(key -> false, 64);
      }
    }
    assertThat(found).isGreaterThan(300);
  }

  @Test
  void client_knowsItsOwnWay_andTakesThatOfOthersWhereItHasNone() {
    SequencePredictor predictor = only(Source.CLIENT);
    for (int i = 0; i < 60; i++) {
      for (String client : List.of("anna", "bert", "bill", "bob")) {
        String next = client.equals("anna") ? "hers" : "theirs";
        for (String id : List.of("door", next, "x" + i % 7)) {
          need(predictor, client, id, i);
          predictor.proposals(key -> false, 64);
        }
      }
    }
    need(predictor, "anna", "door", 99);
    assertThat(said(predictor)).first().isEqualTo("hers");
    need(predictor, "newcomer", "door", 99);
    assertThat(said(predictor)).contains("theirs");
  }

  /** Reads of many keys once, in which one region's favourites come up again and again. */
  private static SequencePredictor favourites(Source source, RegionName where) {
    SequencePredictor predictor = only(source);
    for (int i = 0; i < 4_000; i++) {
      String id = i % 2 == 0 ? "hot" + i / 2 % 10 : "cold" + i;
      var event = new AccessEvent("c", "t/" + id, where, i, Outcome.REMOTE);
      predictor.observe(List.of(event));
      if (!where.equals(PARIS)) {
        // It is as popular here, once it is told.
        need(predictor, "d", i % 3 == 0 ? "hot" + i / 3 % 10 : "mine" + i, i);
      }
      predictor.proposals(key -> false, 64);
    }
    return predictor;
  }

  private static List<String> nextSaid(SequencePredictor predictor) {
    var said = new ArrayList<String>();
    for (int i = 0; i < 40; i++) {
      need(predictor, "c", "other" + i, 5_000);
      said.addAll(said(predictor));
    }
    return said;
  }

  @Test
  void popularity_bringsUpWhatIsReadMost_untilThatFades() {
    SequencePredictor predictor = favourites(Source.POPULARITY, PARIS);
    assertThat(nextSaid(predictor)).contains("hot1", "hot7").noneMatch(id -> id.startsWith("cold"));
    for (int i = 0; i < 60_000; i++) {
      predictor.observe(List.of(read("c", "later" + i, 6_000, Outcome.HOT)));
    }
    predictor.proposals(key -> false, 64);
    assertThat(nextSaid(predictor)).noneMatch(id -> id.startsWith("hot"));
  }

  @Test
  void otherRegions_bringUpWhatIsReadThere_andNothingElse() {
    assertThat(nextSaid(favourites(Source.OTHER_REGIONS, LIMA)))
        .contains("hot1", "hot7")
        .noneMatch(id -> id.startsWith("mine"));
    assertThat(nextSaid(favourites(Source.OTHER_REGIONS, PARIS))).isEmpty();
  }

  @Test
  void periodic_saysAKeyShortlyBeforeItIsDue() {
    saysAReportShortlyBeforeItIsDue(only(Source.PERIODIC), 0);
  }

  /** Or nothing would be learned for a year, nor after a restart. */
  @Test
  void periodic_doesSoToo_afterTheClockWasAheadForAWhileAndSetRight() {
    long nowMs = 1_700_000_000_000L;
    SequencePredictor predictor = only(Source.PERIODIC);
    need(predictor, "c", "before", nowMs);
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 5_000; i++) {
        need(predictor, "c", "ahead" + i, nowMs + 365 * 86_400_000L + round * 3_600_000L);
        said(predictor);
      }
    }
    saysAReportShortlyBeforeItIsDue(predictor, nowMs);

    need(predictor, "c", "again", nowMs + 365 * 86_400_000L);
    var saved = new ByteWriter(1 << 16);
    predictor.save(saved);
    var restored = predictor.restored(new ByteReader(ByteBuffer.wrap(saved.toArray())));
    saysAReportShortlyBeforeItIsDue(restored, nowMs + 2 * 86_400_000L);
  }

  /** Or rows that were used then would stay for good, and those that learn would share the rest. */
  @Test
  void periodic_afterTheClockWasAhead_hasRoomForAsManyKeysAsBefore() {
    int before = howManyOf500AreSaid(only(Source.PERIODIC), 0);
    SequencePredictor predictor = only(Source.PERIODIC);
    for (int i = 0; i < 10_000; i++) {
      need(predictor, "c", "ahead" + i, 365 * DAY_MS);
      said(predictor);
    }
    assertThat(before).isGreaterThan(200);
    assertThat(howManyOf500AreSaid(predictor, DAY_MS)).isGreaterThan(before * 9 / 10);
  }

  private static int howManyOf500AreSaid(SequencePredictor predictor, long fromMs) {
    var said = new HashSet<String>();
    for (int round = 0; round < 60; round++) {
      for (int i = 0; i < 500; i++) {
        need(predictor, "c", "k" + i, fromMs + round * 600_000L + i * 1_000L);
        said.addAll(said(predictor));
      }
    }
    return (int) said.stream().filter(id -> id.startsWith("k")).count();
  }

  private static void saysAReportShortlyBeforeItIsDue(SequencePredictor predictor, long fromMs) {
    int early = 0;
    int inTime = 0;
    for (int minute = 0; minute < 1_500; minute++) {
      for (int second = 0; second < 60; second += 6) {
        long atMs = fromMs + minute * 60_000L + second * 1_000L;
        boolean due = minute % 10 == 9 && second == 54;
        need(predictor, "c", due ? "report" : "noise" + minute + "/" + second, atMs);
        boolean said = said(predictor).contains("report");
        inTime += said && minute % 10 >= 8 ? 1 : 0;
        early += said && minute % 10 < 8 ? 1 : 0;
      }
    }
    assertThat(inTime).isGreaterThan(100);
    assertThat(early).isLessThan(5);
  }

  @Test
  void periodic_knowsTheHoursOfTheDay() {
    SequencePredictor predictor = only(Source.PERIODIC);
    var random = new Random(2);
    int atNine = 0;
    int otherwise = 0;
    for (int day = 0; day < 40; day++) {
      for (int hour = 0; hour < 24; hour++) {
        for (int i = 0; i < 20; i++) {
          long atMs = day * DAY_MS + hour * HOUR_MS + i * 180_000L + random.nextInt(100_000);
          boolean morning = hour == 9 && i > 2 && random.nextInt(3) == 0;
          need(predictor, "c", morning ? "timesheet" : "noise" + day + "/" + hour + "/" + i, atMs);
          boolean said = said(predictor).contains("timesheet");
          atNine += said && hour == 9 ? 1 : 0;
          otherwise += said && hour != 9 ? 1 : 0;
        }
      }
    }
    assertThat(atNine).isGreaterThan(10);
    assertThat(otherwise).isLessThan(5);
  }

  /** At nine on the other days it comes to nothing, which must not count against this one. */
  @Test
  void periodic_knowsTheDaysOfTheWeek() {
    SequencePredictor predictor = only(Source.PERIODIC);
    var random = new Random(4);
    int onTheDay = 0;
    int onOthers = 0;
    for (int day = 0; day < 50 * 7; day++) {
      for (int hour = 8; hour < 11; hour++) {
        for (int i = 0; i < 20; i++) {
          long atMs = day * DAY_MS + hour * HOUR_MS + i * 180_000L + random.nextInt(100_000);
          boolean planned = day % 7 == 3 && hour == 9 && i > 2 && random.nextInt(3) == 0;
          need(predictor, "c", planned ? "planning" : "noise" + day + "/" + hour + "/" + i, atMs);
          boolean said = said(predictor).contains("planning");
          onTheDay += said && day % 7 == 3 && hour == 9 ? 1 : 0;
          onOthers += said && day % 7 != 3 ? 1 : 0;
        }
      }
    }
    assertThat(onTheDay).isGreaterThan(20);
    assertThat(onOthers).isLessThan(10);
  }

  @Test
  void whateverTheTimesAre_aPeriodIsNoneOfThem() {
    SequencePredictor predictor = only(Source.PERIODIC);
    var random = new Random(3);
    for (int i = 0; i < 20_000; i++) {
      long atMs = random.nextInt(4) == 0 ? random.nextLong() : -i * 1_000L;
      need(predictor, "c" + i % 5, "k" + random.nextInt(300), atMs);
      predictor.proposals(key -> false, 64);
    }
    assertThat(predictor.retainedBytes()).isLessThanOrEqualTo(4 << 20);
  }

  @Test
  void all_stayWithinTheLeastOfBounds() {
    long maxBytes = PredictorConfig.MIN_MAX_BYTES;
    var predictor =
        new SequencePredictor(new PredictorConfig(PARIS, maxBytes, 1), List.of(Source.values()));
    assertThat(predictor.retainedBytes()).isLessThanOrEqualTo(maxBytes);
    for (int i = 0; i < 20_000; i++) {
      need(predictor, "c" + i % 50, "k".repeat(1 + i % 300) + i % 700, i);
      predictor.proposals(key -> false, 64);
      assertThat(predictor.retainedBytes()).isLessThanOrEqualTo(maxBytes);
    }
  }
}
