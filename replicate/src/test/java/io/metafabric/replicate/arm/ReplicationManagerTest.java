package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReplicationManagerTest {
  static final CostBenefitPolicy POLICY = CostBenefitPolicy.of(Prices.DEFAULT);
  static final long SECOND = 1_000_000_000L;

  static Candidate candidate(String path, double probability, int bytes, double remoteMs) {
    var prediction =
        new Prediction(
            Key.of(path),
            new RegionName("paris"),
            probability,
            Duration.ofSeconds(30),
            "test",
            "test");
    return new Candidate(prediction, bytes, remoteMs, 0.001, 1);
  }

  @Test
  void aLikelyReadOverASlowLink_isWorthIt_andAnUnlikelyOneIsNot() {
    assertThat(POLICY.decide(candidate("n/1", 0.8, 200, 80)).reason())
        .isEqualTo(Decision.Reason.WORTH_IT);
    assertThat(POLICY.decide(candidate("n/1", 0.09, 200, 80)).reason())
        .isEqualTo(Decision.Reason.IMPROBABLE);
    assertThat(POLICY.decide(candidate("n/1", 0.8, 1 << 20, 0.5)).reason())
        .isEqualTo(Decision.Reason.TOO_COSTLY);
  }

  @RepeatedTest(50)
  void moreProbability_neverTurnsACopyIntoARefusal(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    int bytes = random.nextInt(1 << 20);
    double remoteMs = random.nextDouble() * 300;
    boolean before = false;
    for (double p = 0; p <= 1; p += 0.01) {
      boolean copy = POLICY.decide(candidate("n/1", p, bytes, remoteMs)).copy();
      assertThat(copy || !before).as("seed %d at %s", run.getCurrentRepetition(), p).isTrue();
      before = copy;
    }
  }

  @RepeatedTest(50)
  void theBudget_isNeverExceeded_inAnyWindow(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    long perSecond = 1000 + random.nextInt(100_000);
    var budget = new CopyBudget(perSecond, perSecond, 0);
    var times = new ArrayList<Long>();
    var taken = new ArrayList<Long>();
    long now = 0;
    for (int i = 0; i < 400; i++) {
      now += random.nextInt(50_000_000);
      long bytes = 1 + random.nextInt(5000);
      if (budget.take(bytes, now)) {
        times.add(now);
        taken.add(bytes);
      }
    }
    for (int from = 0; from < times.size(); from++) {
      long sum = 0;
      for (int to = from; to < times.size(); to++) {
        sum += taken.get(to);
        double seconds = (times.get(to) - times.get(from)) / (double) SECOND;
        assertThat((double) sum)
            .as("seed %d", run.getCurrentRepetition())
            .isLessThanOrEqualTo(perSecond * (1 + seconds) + 1);
      }
    }
  }

  @Test
  void theBestRatio_isServedFirst_andTheRestIsRefusedForTheBudget() {
    var arm = new ReplicationManager(POLICY, 1000, true, 0);
    List<Decision> decisions =
        arm.consider(
            List.of(candidate("n/poor", 0.3, 600, 80), candidate("n/good", 0.9, 600, 200)), 0);
    assertThat(decisions.get(0).candidate().prediction().key()).isEqualTo(Key.of("n/good"));
    assertThat(decisions.get(0).copy()).isTrue();
    assertThat(decisions.get(1).reason()).isEqualTo(Decision.Reason.OVER_BUDGET);
    assertThat(arm.stats().overBudget()).isEqualTo(1);
  }

  @Test
  void theKillSwitch_stopsEverything_andIsExplained() {
    var arm = new ReplicationManager(POLICY, 1 << 20, true, 0);
    arm.setEnabled(false);
    arm.consider(List.of(candidate("n/1", 0.9, 200, 200)), 0);
    assertThat(arm.explain(Key.of("n/1")))
        .hasSize(1)
        .allSatisfy(each -> assertThat(each.reason()).isEqualTo(Decision.Reason.SWITCHED_OFF));
    assertThat(arm.explain(Key.of("n/2"))).isEmpty();
    assertThat(arm.explain(Key.of("n/1")).get(0).toString()).contains("micro-dollars");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void absurdPrices_areRefusedByName(double price) {
    assertThatThrownBy(() -> new Prices(price, 0, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("perTransferredByte");
    assertThatThrownBy(() -> new Prices(0, 0, price))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("perSavedMs");
  }
}
