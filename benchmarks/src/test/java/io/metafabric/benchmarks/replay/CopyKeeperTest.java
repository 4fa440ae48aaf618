package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.arm.Prices;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CopyKeeperTest {
  private static final long HOUR = 3_600_000;
  private static final RegionName OSLO = new RegionName("oslo");
  private static final RegionName PARIS = new RegionName("paris");

  /** A byte costs a micro-dollar to send and a thousandth an hour to store. */
  private static CopyKeeper keeper(double perSavedMs) {
    return new CopyKeeper(new UpdatePolicy(new Prices(1, 0.001, perSavedMs), 200));
  }

  private static UpdatePolicy.Terms terms(int payloadBytes) {
    return new UpdatePolicy.Terms(OSLO, PARIS, payloadBytes, 100);
  }

  /** What is asked for the last of many versions of keys, each read an hour after or never. */
  private static double lastSent(CopyKeeper keeper, int payloadBytes, boolean read) {
    double sent = 0;
    for (int i = 0; i < 5_000; i++) {
      String path = "t/" + i % 50;
      long atMs = i * HOUR / 10;
      sent = keeper.changed(path, terms(payloadBytes), atMs);
      if (read) {
        keeper.read("t/" + (i + 40) % 50, terms(payloadBytes), false, atMs);
      }
    }
    return sent;
  }

  @Test
  void whatIsAlwaysRead_isSentAlong_andKeptForAsLongAsThatTakes() {
    assertThat(lastSent(keeper(10), 100, true)).isGreaterThan(HOUR);
  }

  @Test
  void whatNobodyReads_isNotSent() {
    assertThat(lastSent(keeper(10), 1_000, false)).isZero();
  }

  @Test
  void whereWaitingIsWorthNothing_hardlyAnythingIsSent_thatIsReadNowAndThen() {
    CopyKeeper keeper = keeper(0);
    var random = new Random(1);
    double sent = 0;
    for (int i = 0; i < 20_000; i++) {
      String path = "t/" + random.nextInt(100);
      if (random.nextInt(4) == 0) {
        keeper.read(path, terms(1_000), false, i * 1_000L);
      } else {
        sent = keeper.changed(path, terms(1_000), i * 1_000L);
      }
    }
    assertThat(sent).isZero();
  }

  /** Nothing of what was learned foretells it. */
  @Test
  void whereItTurnsOutThatKeepingAllWouldHaveCostLess_allIsKept() {
    CopyKeeper keeper = keeper(1_000_000);
    for (int i = 0; i < 100_000; i++) {
      keeper.changed("t/" + i % 500, terms(1 << 20), i * 1_000L);
    }
    assertThat(keeper.way()).isEqualTo(CopyKeeper.Way.BY_ODDS);
    assertThat(keeper.changed("t/0", terms(1 << 20), 100_000_000)).isZero();

    for (int i = 0; i < 5_000; i++) {
      keeper.changed("t/" + i % 500, terms(1 << 20), 200_000_000 + i * 1_000L);
      keeper.read("t/" + i % 500, terms(1 << 20), false, 200_000_000 + i * 1_000L);
    }
    assertThat(keeper.way()).isEqualTo(CopyKeeper.Way.ALL);
    assertThat(keeper.changed("t/new", terms(1 << 20), 300_000_000)).isEqualTo(Double.MAX_VALUE);
  }

  @Test
  void storageThatCostsMoreThanFetching_isNotUsedForLong() {
    var keeper = new CopyKeeper(new UpdatePolicy(new Prices(1e-6, 0.001, 0), 200));
    double kept = 0;
    for (int i = 0; i < 5_000; i++) {
      String path = "t/" + i % 50;
      kept = keeper.read(path, terms(1_000), false, i * HOUR);
    }
    assertThat(kept).isLessThan(HOUR);
  }

  /** Of keys beyond its table it knows less, and nothing else happens. */
  @RepeatedTest(5)
  void decisionsAreFinite_whateverHappens(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    CopyKeeper keeper = keeper(random.nextDouble());
    long nowMs = 0;
    for (int i = 0; i < 60_000; i++) {
      nowMs += random.nextLong(HOUR) >>> random.nextInt(40);
      String path = "t/" + random.nextInt(40_000);
      UpdatePolicy.Terms terms = terms(random.nextInt(1 << 20));
      double forMs =
          switch (random.nextInt(3)) {
            case 0 -> keeper.changed(path, terms, nowMs);
            case 1 -> keeper.changedHere(path, terms, nowMs);
            default -> keeper.read(path, terms, random.nextBoolean(), nowMs);
          };
      assertThat(forMs).isBetween(0.0, Double.MAX_VALUE);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void termsThatCannotBe_areRefused(double remoteMs) {
    assertThatThrownBy(() -> new UpdatePolicy.Terms(OSLO, PARIS, 1, remoteMs))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> terms(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new UpdatePolicy(Prices.DEFAULT, -1))
        .isInstanceOf(ConfigurationException.class);
  }
}
