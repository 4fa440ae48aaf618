package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class DecisionsTest {
  private static final CostBenefitPolicy POLICY = new CostBenefitPolicy(Prices.DEFAULT, 0.1, 0);

  private static ReplicationManager manager(long budgetBytesPerSecond) {
    return Candidates.manager(POLICY, CopyBudget.DEFAULT.withBytesPerSecond(budgetBytesPerSecond));
  }

  @Test
  void aCopyThatDoesNotFit_isPassedOver_forASmallerOneThatDoes() {
    ReplicationManager arm = manager(1_000);
    List<Decision> decisions =
        arm.consider(List.of(Candidates.of("a", 0.9, 1_001), Candidates.of("b", 0.2, 1_000)), 0);

    assertThat(decisions)
        .filteredOn(Decision::copy)
        .extracting(Candidates::idOf)
        .containsExactly("b");
  }

  @Test
  void theBudgetCountsWhatGoesOverTheWire_alsoForTheLargestPayload() {
    var policy = new CostBenefitPolicy(new Prices(0, 0, 1), 0.1, 200);
    ReplicationManager arm =
        Candidates.manager(policy, CopyBudget.DEFAULT.withBytesPerSecond(1_000));
    var candidates =
        List.of(Candidates.of("huge", 0.9, Integer.MAX_VALUE), Candidates.of("small", 0.9, 801));

    assertThat(arm.consider(candidates, 0)).noneMatch(Decision::copy);
    assertThat(arm.stats(0).overBudgetBytes()).isEqualTo(Integer.MAX_VALUE + 200L + 1_001);
  }

  @Test
  void switchedOff_itCopiesNothing_spendsNothing_andSaysWhy() {
    ReplicationManager arm = manager(1_000);
    arm.setEnabled(false);
    assertThat(arm.consider(List.of(Candidates.of("a", 0.9, 1_000)), 0))
        .extracting(Decision::reason)
        .containsExactly(Decision.Reason.SWITCHED_OFF);
    assertThat(arm.stats(0).switchedOff()).isEqualTo(1);

    arm.setEnabled(true);
    assertThat(arm.consider(List.of(Candidates.of("a", 0.9, 1_000)), 0)).allMatch(Decision::copy);
  }

  @Test
  void theLastDecisionsOnAKey_areExplained_newestLast() {
    ReplicationManager arm = manager(1_000);
    arm.consider(List.of(Candidates.of("a", 0.05, 1_000), Candidates.of("b", 0.9, 10)), 0);
    arm.consider(List.of(Candidates.of("a", 0.9, 100)), 1);

    assertThat(arm.explain(Key.of("t/a")))
        .extracting(Decision::reason)
        .containsExactly(Decision.Reason.IMPROBABLE, Decision.Reason.WORTH_IT);
    assertThat(arm.explain(Key.of("t/a")).get(1).toString())
        .startsWith("copied: after t/0, 100 B from oslo; benefit 0.4500 = p 0.90 x 1.00 reads");
    assertThat(arm.explain(Key.of("t/c"))).isEmpty();
  }

  @Test
  void theLog_isBoundedInBytes_andForgetsTheOldest() {
    var log = new DecisionLog(10_000);
    for (int i = 0; i < 1_000; i++) {
      log.add(Candidates.decide(POLICY, Candidates.of("k".repeat(1 + i % 500) + i, 0.5, 100)));
      assertThat(log.retainedBytes()).isLessThanOrEqualTo(10_000);
    }
    log.add(Candidates.decide(POLICY, Candidates.of("last", 0.5, 100)));

    assertThat(log.on(Key.of("t/last"))).hasSize(1);
    assertThat(log.on(Key.of("t/k0"))).isEmpty();
    assertThat(log.forgotten()).isBetween(980L, 1_000L);
  }

  @RepeatedTest(50)
  void everyCandidateIsDecidedOnce_withinTheBudget_whateverTheirOrder(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    var candidates = new ArrayList<Candidate>();
    for (int i = 0; i < 200; i++) {
      candidates.add(
          Candidates.of(
              "k" + i,
              random.nextInt(10) / 10.0,
              random.nextInt(20) * 1_000,
              random.nextInt(3) * 40,
              1));
    }
    var shuffled = new ArrayList<>(candidates);
    Collections.shuffle(shuffled, random);
    ReplicationManager arm = manager(100_000);
    List<Decision> decisions = arm.consider(candidates, 0);
    ArmStats stats = arm.stats(0);

    assertThat(manager(100_000).consider(shuffled, 0)).as("seed %d", seed).isEqualTo(decisions);
    assertThat(decisions)
        .extracting(Decision::candidate)
        .containsExactlyInAnyOrderElementsOf(candidates);
    assertThat(stats.copiedBytes()).isLessThanOrEqualTo(100_000).isPositive();
    assertThat(stats.copiedBytes())
        .isEqualTo(
            decisions.stream()
                .filter(Decision::copy)
                .mapToLong(d -> d.candidate().payloadBytes())
                .sum());
    assertThat(stats.considered())
        .isEqualTo(
            stats.copied()
                + stats.improbable()
                + stats.tooCostly()
                + stats.copiedLately()
                + stats.overBudget()
                + stats.switchedOff())
        .isEqualTo(200);
  }
}
