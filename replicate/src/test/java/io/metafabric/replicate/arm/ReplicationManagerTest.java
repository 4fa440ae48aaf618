package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

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
    return new Candidate(prediction, new RegionName("oslo"), bytes, remoteMs, 0.001, 1, 0);
  }

  @Test
  void aLikelyReadOverASlowLink_isWorthIt_andAnUnlikelyOneIsNot() {
    assertThat(Candidates.decide(POLICY, candidate("n/1", 0.8, 200, 80)).reason())
        .isEqualTo(Decision.Reason.WORTH_IT);
    assertThat(Candidates.decide(POLICY, candidate("n/1", 0.09, 200, 80)).reason())
        .isEqualTo(Decision.Reason.IMPROBABLE);
    assertThat(Candidates.decide(POLICY, candidate("n/1", 0.8, 1 << 20, 0.5)).reason())
        .isEqualTo(Decision.Reason.TOO_COSTLY);
  }

  @RepeatedTest(50)
  void moreProbability_neverTurnsACopyIntoARefusal(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    int bytes = random.nextInt(1 << 20);
    double remoteMs = random.nextDouble() * 300;
    boolean before = false;
    for (double p = 0; p <= 1; p += 0.01) {
      boolean copy = Candidates.decide(POLICY, candidate("n/1", p, bytes, remoteMs)).copy();
      assertThat(copy || !before).as("seed %d at %s", run.getCurrentRepetition(), p).isTrue();
      before = copy;
    }
  }

  @Test
  void theBestRatio_isServedFirst_andTheRestIsRefusedForTheBudget() {
    ReplicationManager arm =
        Candidates.manager(POLICY, CopyBudget.DEFAULT.withBytesPerSecond(1000));
    List<Decision> decisions =
        arm.consider(
            List.of(candidate("n/poor", 0.3, 600, 80), candidate("n/good", 0.9, 600, 200)), 0);
    assertThat(decisions.get(0).candidate().prediction().key()).isEqualTo(Key.of("n/good"));
    assertThat(decisions.get(0).copy()).isTrue();
    assertThat(decisions.get(1).reason()).isEqualTo(Decision.Reason.OVER_BYTES_PER_SECOND);
    assertThat(arm.stats(0).overBudget()).isEqualTo(1);
  }

  @Test
  void whatIsUpdatedElsewhereAllTheTime_isNotCopied_andWhatIsReadByManyIsWorthMore() {
    ReplicationManager arm = Candidates.manager(POLICY, CopyBudget.DEFAULT);
    for (long now = 0; now < 600 * SECOND; now += SECOND / 2) {
      arm.updated("n/updated", now);
      arm.read("n/read", now);
    }
    long now = 600 * SECOND;
    arm.consider(
        List.of(candidate("n/updated", 0.5, 500, 50), candidate("n/read", 0.5, 500, 50)), now);

    Decision updated = arm.explain(Key.of("n/updated")).get(0);
    assertThat(updated.reason()).isEqualTo(Decision.Reason.TOO_COSTLY);
    assertThat(updated.appraisal().updates()).isBetween(40.0, 60.0);
    Decision read = arm.explain(Key.of("n/read")).get(0);
    assertThat(read.copy()).isTrue();
    assertThat(read.appraisal().reads()).isBetween(1.06, 1.1);
  }

  @Test
  void otherPrices_andAnotherBudget_countFromTheNextDecisionOn_andAreTold() {
    ReplicationManager arm = Candidates.manager(POLICY, CopyBudget.DEFAULT);
    assertThat(arm.consider(List.of(candidate("n/1", 0.5, 500, 50)), 0).get(0).copy()).isTrue();
    Prices dear = Prices.DEFAULT.withTransferPerGb("oslo", "paris", 1_000);
    arm.setPrices(dear);
    assertThat(arm.consider(List.of(candidate("n/2", 0.5, 500, 50)), 0).get(0).reason())
        .isEqualTo(Decision.Reason.TOO_COSTLY);
    CopyBudget small = CopyBudget.DEFAULT.withStoredBytes(600);
    arm.setPrices(Prices.DEFAULT);
    arm.setBudget(small, 0);
    assertThat(arm.consider(List.of(candidate("n/3", 0.5, 500, 50)), 0).get(0).reason())
        .isEqualTo(Decision.Reason.OVER_STORED_BYTES);

    assertThat(arm.stats(0).prices()).isEqualTo(Prices.DEFAULT);
    assertThat(arm.stats(0).budget()).isEqualTo(small);
  }

  @RepeatedTest(100)
  void whateverIsAskedAndBecomesOfIt_theBudgetHolds(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    CopyBudget budget =
        new CopyBudget(
            1 + random.nextInt(20_000), random.nextDouble() / 1e5, 1 + random.nextInt(30_000));
    ReplicationManager arm = Candidates.manager(POLICY, budget);
    long now = 0;
    for (int i = 0; i < 300; i++) {
      now +=
          random.nextInt(20) == 0
              ? random.nextInt(5) * 3_600 * SECOND
              : random.nextInt(9) * 100_000_000L;
      if (random.nextInt(10) == 0) {
        arm.setPrices(Prices.DEFAULT.withTransferPerGb("oslo", "paris", random.nextDouble()));
      }
      CopyTotals before = arm.stats(now).total();
      String path = "n/" + random.nextInt(30);
      arm.consider(List.of(candidate(path, random.nextDouble(), random.nextInt(9_000), 80)), now);
      switch (random.nextInt(4)) {
        case 0 -> arm.used(path);
        case 1 -> arm.wasted(path, now);
        case 2 -> arm.failed(path);
        default -> arm.read(path, now);
      }
      ArmStats after = arm.stats(now);
      assertThat(after.total().bytes() - before.bytes())
          .as("seed %d", seed)
          .isLessThanOrEqualTo(budget.bytesPerSecond());
      assertThat(after.unreadBytes()).as("seed %d", seed).isBetween(0L, budget.storedBytes());
      assertThat(after.total().spentDollars())
          .as("seed %d", seed)
          .isLessThanOrEqualTo(
              budget.dollarsPerDay() * (1 + now / (24 * 3_600.0 * SECOND)) + 1e-12);
    }
  }

  @Test
  void theKillSwitch_stopsEverything_andIsExplained() {
    ReplicationManager arm = Candidates.manager(POLICY, CopyBudget.DEFAULT);
    arm.setEnabled(false);
    arm.consider(List.of(candidate("n/1", 0.9, 200, 200)), 0);
    assertThat(arm.explain(Key.of("n/1")))
        .hasSize(1)
        .allSatisfy(each -> assertThat(each.reason()).isEqualTo(Decision.Reason.SWITCHED_OFF));
    assertThat(arm.explain(Key.of("n/2"))).isEmpty();
    assertThat(arm.explain(Key.of("n/1")).get(0).toString()).contains("micro-dollars");
  }
}
