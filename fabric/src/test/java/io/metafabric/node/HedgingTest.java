package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.node.HedgedReads.Lateness;
import io.metafabric.node.HedgedReads.Outcome;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Hedging;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What second requests bring, and cost; prints the figures of docs/BENCHMARKS.md. */
class HedgingTest {
  private static final int READS = 4000;

  private static Outcome run(Lateness lateness, Hedging hedging) {
    Outcome outcome = HedgedReads.run(lateness, hedging, READS);
    System.out.printf(
        Locale.ROOT,
        "%s, %s: p50 %.0f ms, p95 %.0f, p99 %.0f, p99.9 %.0f; %.1f %% extra, %d won, %d refused%n",
        lateness,
        hedging.maxExtraShare() == 0 ? "off" : "p" + hedging.percentile(),
        outcome.percentileMs(50),
        outcome.percentileMs(95),
        outcome.percentileMs(99),
        outcome.percentileMs(99.9),
        100 * outcome.extraShare(),
        outcome.routing().hedgesWon(),
        outcome.routing().hedgesRefused());
    return outcome;
  }

  @Test
  void aTailOfFivePercent_isCutToLessThanHalf_atFivePercentMoreRequests() {
    Outcome without = run(Lateness.TAIL_5_PERCENT, Hedging.OFF);
    Outcome with = run(Lateness.TAIL_5_PERCENT, Hedging.DEFAULT);
    assertThat(without.routing().hedgesSent()).isZero();
    assertThat(with.percentileMs(99)).isLessThan(without.percentileMs(99) / 2);
    assertThat(with.extraShare()).isBetween(0.03, 0.05);
    assertThat(with.routing().hedgesWon())
        .as("they were sent where they paid")
        .isGreaterThan(with.routing().hedgesSent() * 8 / 10);
  }

  @ParameterizedTest
  @EnumSource(Lateness.class)
  void whateverTheAnswersAreLike_itIsNoSlower_andWithinTheShare(Lateness lateness) {
    Outcome without = run(lateness, Hedging.OFF);
    Outcome with = run(lateness, Hedging.DEFAULT);
    assertThat(with.percentileMs(99)).isLessThanOrEqualTo(1.02 * without.percentileMs(99));
    assertThat(with.extraShare()).isLessThanOrEqualTo(Hedging.DEFAULT.maxExtraShare());
  }

  @Test
  void whereNoAnswerIsLate_thereIsHardlyASecondRequest() {
    Outcome with = run(Lateness.JITTER_ALONE, Hedging.DEFAULT);
    assertThat(with.extraShare()).isLessThan(0.005);
  }

  @Test
  void whatNobodyWaitsFor_isNeverAskedTwice() {
    SimCluster cluster = HedgedReads.cluster(new Hedging(90, 1));
    List<Key> keys = HedgedReads.write(cluster);
    for (int i = 0; i < 100; i++) {
      HedgedReads.read(cluster, keys.get(i));
    }
    HedgedReads.answersTake(cluster, () -> 300);
    var reader = cluster.node(HedgedReads.READER);
    var wanted = new LinkedHashMap<Key, Header>();
    var came = new ArrayList<FetchResult>();
    for (Key key : keys.subList(100, 105)) {
      reader.replicator().fetchToHold(key, reader.store().header(key)).thenAccept(came::add);
    }
    for (Key key : keys.subList(105, 120)) {
      wanted.put(key, reader.store().header(key));
    }
    reader.replicator().prefetch(wanted, (key, result) -> came.add(result));
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(came).hasSize(20).allMatch(FetchResult.Found.class::isInstance);
    assertThat(reader.stats().replication().routing().hedgesSent()).isZero();

    HedgedReads.read(cluster, keys.get(120));
    assertThat(reader.stats().replication().routing().hedgesSent()).isEqualTo(1);
    assertThat(reader.stats().replication().routing().hedgesWon())
        .as("the first had a head start")
        .isZero();
  }

  @ParameterizedTest
  @EnumSource(Lateness.class)
  void theDefaultPercentile_isNoWorseThanItsNeighbours(Lateness lateness) {
    double ofDefault = run(lateness, Hedging.DEFAULT).percentileMs(99);
    for (double percentile : new double[] {75, 95, 99}) {
      double other = run(lateness, new Hedging(percentile, 0.05)).percentileMs(99);
      assertThat(ofDefault).as("against p" + percentile).isLessThan(1.3 * other);
    }
  }
}
