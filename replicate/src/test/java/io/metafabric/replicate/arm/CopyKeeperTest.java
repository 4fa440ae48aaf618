package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** For how long a region keeps what it need not hold, by what it reads itself. */
class CopyKeeperTest {
  private static final long HOUR = 3_600_000;
  private static final RegionName OSLO = new RegionName("oslo");
  private static final RegionName PARIS = new RegionName("paris");

  private final CopyKeeper keeper = new CopyKeeper(CopyKeeper.SLOTS, slot -> {});

  /** A byte costs a micro-dollar to send and a thousandth an hour to store. */
  private static KeepingPolicy policy(double perSavedMs) {
    return new KeepingPolicy(new Prices(1, 0.001, perSavedMs), 200);
  }

  private static CopyTerms terms(int payloadBytes) {
    return new CopyTerms(OSLO, PARIS, payloadBytes, 100);
  }

  /** What is to be done with a version of which nobody has to ask. */
  private double changed(String path, int payloadBytes, KeepingPolicy policy, long nowMs) {
    int slot = keeper.slot(path, nowMs);
    Keeping keeping = keeper.changed(slot, terms(payloadBytes), policy, nowMs);
    boolean pays = keeping.worth() > CopyKeeper.MARGIN * policy.sending(terms(payloadBytes));
    keeper.decided(slot, terms(payloadBytes), policy, keeping, pays, 1, nowMs);
    return pays ? keeper.forMs(keeping, terms(payloadBytes), policy) : 0;
  }

  private double read(String path, int payloadBytes, KeepingPolicy policy, long nowMs) {
    int slot = keeper.slot(path, nowMs);
    return keeper.forMs(
        keeper.read(slot, terms(payloadBytes), policy, false, 1, nowMs),
        terms(payloadBytes),
        policy);
  }

  /** What is asked for the last of many versions of keys, each read an hour after or never. */
  private double lastSent(KeepingPolicy policy, int payloadBytes, boolean read) {
    double sent = 0;
    for (int i = 0; i < 5_000; i++) {
      long atMs = i * HOUR / 10;
      sent = changed("t/" + i % 50, payloadBytes, policy, atMs);
      if (read) {
        read("t/" + (i + 40) % 50, payloadBytes, policy, atMs);
      }
    }
    return sent;
  }

  @Test
  void whatIsAlwaysRead_isSentAlong_andKeptForAsLongAsThatTakes() {
    assertThat(lastSent(policy(10), 100, true)).isGreaterThan(HOUR);
  }

  @Test
  void whatNobodyReads_isNotSent() {
    assertThat(lastSent(policy(10), 1_000, false)).isZero();
  }

  @Test
  void whereWaitingIsWorthNothing_hardlyAnythingIsSent_thatIsReadNowAndThen() {
    var random = new Random(1);
    double sent = 0;
    for (int i = 0; i < 20_000; i++) {
      String path = "t/" + random.nextInt(100);
      if (random.nextInt(4) == 0) {
        read(path, 1_000, policy(0), i * 1_000L);
      } else {
        sent = changed(path, 1_000, policy(0), i * 1_000L);
      }
    }
    assertThat(sent).isZero();
  }

  /** Nothing of what was learned foretells it. */
  @Test
  void whereItTurnsOutThatKeepingAllWouldHaveCostLess_allIsKept() {
    KeepingPolicy policy = policy(1_000_000);
    for (int i = 0; i < 100_000; i++) {
      changed("t/" + i % 500, 1 << 20, policy, i * 1_000L);
    }
    assertThat(keeper.way()).isEqualTo(CopyKeeper.Way.BY_ODDS);
    assertThat(changed("t/0", 1 << 20, policy, 100_000_000)).isZero();

    for (int i = 0; i < 5_000; i++) {
      changed("t/" + i % 500, 1 << 20, policy, 200_000_000 + i * 1_000L);
      read("t/" + i % 500, 1 << 20, policy, 200_000_000 + i * 1_000L);
    }
    assertThat(keeper.way()).isEqualTo(CopyKeeper.Way.ALL);

    CopyTerms terms = terms(1 << 20);
    double forMs = keeper.forMs(Keeping.NOT, terms, policy);
    assertThat(forMs * policy.storedPerMs(terms))
        .isCloseTo(policy.lack(terms) / 2, withinPercentage(1));
    assertThat(keeper.forMs(new Keeping(2 * forMs, 1, 1, 0), terms, policy)).isEqualTo(2 * forMs);
  }

  @Test
  void whatIsStoredForNothing_mayBeKeptForEver() {
    var policy = new KeepingPolicy(new Prices(1, 0, 1), 200);
    assertThat(policy.longestMs(terms(100))).isEqualTo(Double.MAX_VALUE);
  }

  /** What is read long after it would have gone has to be fetched, where all is kept too. */
  @Test
  void keepingAll_isReckonedOnlyForAsLongAsItWouldBeKept() {
    var policy = new KeepingPolicy(new Prices(1e-6, 0.001, 1), 200);
    int bytes = 1 << 20;
    long stepMs = (long) policy.longestMs(terms(bytes)) / 100;
    for (int i = 0; i < 20_000; i++) {
      changed("t/" + i % 260, bytes, policy, i * stepMs);
      if (i >= 250) {
        read("t/" + (i - 250) % 260, bytes, policy, i * stepMs);
      }
    }
    assertThat(keeper.way()).isEqualTo(CopyKeeper.Way.BY_ODDS);
  }

  @Test
  void storageThatCostsMoreThanFetching_isNotUsedForLong() {
    var policy = new KeepingPolicy(new Prices(1e-6, 0.001, 0), 200);
    double kept = 0;
    for (int i = 0; i < 5_000; i++) {
      kept = read("t/" + i % 50, 1_000, policy, i * HOUR);
    }
    assertThat(kept).isLessThan(HOUR);
  }

  @Test
  void whatIsKeptAtAll_isKeptForAWhile() {
    assertThat(keeper.forMs(new Keeping(1, 1, 1, 0), terms(1), policy(1)))
        .isEqualTo(CopyKeeper.LEAST_MS);
    assertThat(keeper.forMs(new Keeping(2 * CopyKeeper.LEAST_MS, 1, 1, 0), terms(1), policy(1)))
        .isEqualTo(2 * CopyKeeper.LEAST_MS);
    assertThat(keeper.forMs(Keeping.NOT, terms(1), policy(1))).isZero();
  }

  /** Of what was sent nothing is heard but of a sample: it must come to about the same. */
  @Test
  void ofWhatIsSent_aSampleIsEnough_toKnowHowMuchOfItIsRead() {
    assertThat(chanceOfSent(4, true)).isCloseTo(chanceOfSent(4, false), within(0.1));
    assertThat(chanceOfSent(1_000_000, true))
        .isCloseTo(chanceOfSent(1_000_000, false), within(0.1));
    assertThat(chanceOfSent(4, true)).isGreaterThan(chanceOfSent(1_000_000, true) + 0.1);
  }

  /** What is expected of the last of many keys, of which one in so many is read, once. */
  private static double chanceOfSent(int oneIn, boolean sampled) {
    var keeper = new CopyKeeper(CopyKeeper.SLOTS, slot -> {});
    KeepingPolicy policy = policy(10);
    var random = new Random(5);
    double chance = 0;
    for (int i = 0; i < 60_000; i++) {
      long nowMs = i * 1_000L;
      String path = "t/" + i;
      int slot = keeper.slot(path, nowMs);
      chance = keeper.changed(slot, terms(100), policy, nowMs).chance();
      int standsFor = sampled ? ToldReads.standsFor(path, 100) : 1;
      keeper.decided(slot, terms(100), policy, Keeping.NOT, true, standsFor, nowMs);
      keeper.sent(slot, standsFor);
      if (random.nextInt(oneIn) == 0 && standsFor > 0) {
        keeper.read(slot, terms(100), policy, false, standsFor, nowMs + 500);
      }
    }
    return chance;
  }

  @Test
  void aFewKeysStandForAll() {
    int stands = 0;
    for (int i = 0; i < 16_000; i++) {
      stands += ToldReads.standsFor("n/" + i, 200);
      assertThat(ToldReads.standsFor("n/" + i, 1 << 20)).isEqualTo(1);
    }
    assertThat(stands).isBetween(14_000, 18_000);
  }

  /** Of keys beyond its table it knows less, and nothing else happens. */
  @RepeatedTest(5)
  void decisionsAreFinite_whateverHappens(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    KeepingPolicy policy = policy(random.nextDouble());
    long nowMs = 0;
    for (int i = 0; i < 60_000; i++) {
      nowMs += random.nextLong(HOUR) >>> random.nextInt(40);
      String path = "t/" + random.nextInt(40_000);
      CopyTerms terms = terms(random.nextInt(1 << 20));
      int slot = keeper.slot(path, nowMs);
      int standsFor = ToldReads.standsFor(path, terms.payloadBytes());
      double forMs =
          switch (random.nextInt(4)) {
            case 0 -> changed(path, terms.payloadBytes(), policy, nowMs);
            case 1 ->
                keeper.forMs(
                    keeper.changedHere(slot, terms, policy, standsFor, nowMs), terms, policy);
            case 2 -> {
              keeper.sent(slot, standsFor);
              yield 0;
            }
            default ->
                keeper.forMs(
                    keeper.read(slot, terms, policy, random.nextBoolean(), standsFor, nowMs),
                    terms,
                    policy);
          };
      assertThat(forMs).isBetween(0.0, Double.MAX_VALUE);
      assertThat(keeper.asItIs(slot, terms, policy).chance()).isBetween(0.0, 1.0);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void termsThatCannotBe_areRefused(double remoteMs) {
    assertThatThrownBy(() -> new CopyTerms(OSLO, PARIS, 1, remoteMs))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> terms(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new KeepingPolicy(Prices.DEFAULT, -1))
        .isInstanceOf(ConfigurationException.class);
  }
}
