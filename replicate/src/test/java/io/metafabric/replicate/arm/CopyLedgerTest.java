package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.record.Key;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CopyLedgerTest {
  private final Set<Key> held = new HashSet<>();
  private final CostBenefitPolicy policy = new CostBenefitPolicy(new Prices(0.001, 0, 1), 0.1, 0);
  private final ReplicationManager arm =
      new ReplicationManager(policy, CopyBudget.DEFAULT, true, held::contains, 0);

  private Decision consider(String id, long nowNanos) {
    return arm.consider(List.of(Candidates.of(id, 0.5, 1_000)), nowNanos).get(0);
  }

  @Test
  void whatWasSpentAndSaved_isTold_byTheRegionThatSentIt() {
    consider("used", 0);
    consider("late", 0);
    consider("wasted", 0);
    arm.used("t/used");
    arm.usedLate("t/late", 20);
    arm.wasted("t/wasted", 1);
    arm.used("t/wasted");

    ArmStats stats = arm.stats(1);
    assertThat(stats.from()).containsOnlyKeys(Candidates.OSLO);
    CopyTotals totals = stats.total();
    assertThat(totals.copies()).isEqualTo(3);
    assertThat(totals.bytes()).isEqualTo(3_000);
    assertThat(totals.spentDollars()).isCloseTo(3e-6, within(1e-12));
    assertThat(totals.used()).isEqualTo(2);
    assertThat(totals.savedMs()).isCloseTo(50 + 30, within(0.01));
    assertThat(totals.savedDollars()).isCloseTo(80e-6, within(1e-8));
    assertThat(stats.unreadBytes()).isZero();
  }

  @Test
  void aCopyThatWasLostUnread_isNotMadeAgainAtOnce_andThenIs() {
    assertThat(consider("a", 0).copy()).isTrue();
    assertThat(consider("a", 0).reason()).isEqualTo(Decision.Reason.COPIED_LATELY);
    arm.wasted("t/a", 10);
    assertThat(consider("a", 20).reason()).isEqualTo(Decision.Reason.COPIED_LATELY);

    assertThat(consider("a", CopyLedger.RESIDENCY_NANOS).copy()).isTrue();
    assertThat(arm.stats(0).copiedLately()).isEqualTo(2);
  }

  @Test
  void aCopyThatWasRead_orHasNotCome_isMadeAgainAtOnce() {
    assertThat(consider("a", 0).copy()).isTrue();
    arm.used("t/a");
    assertThat(consider("a", 1).copy()).isTrue();
    arm.failed("t/a");
    assertThat(consider("a", 2).copy()).isTrue();
  }

  @Test
  void aCopyThatLeftWithoutAWord_isGivenUp_andOneThatIsHereIsNot() {
    consider("gone", 0);
    consider("here", 0);
    held.add(Key.of("t/here"));
    arm.consider(List.of(), CopyLedger.UNREAD_NANOS);
    assertThat(arm.stats(0).unreadBytes()).isEqualTo(1_000);

    held.clear();
    arm.consider(List.of(), CopyLedger.UNREAD_NANOS + 1);
    assertThat(arm.stats(0).unreadBytes()).isEqualTo(1_000);
    arm.consider(List.of(), 2 * CopyLedger.UNREAD_NANOS);
    assertThat(arm.stats(0).unreadBytes()).isZero();
  }

  @Test
  void copiesThatNobodyReads_areBoundedInBytesOfMemory() {
    for (int i = 0; i < 30_000; i++) {
      arm.consider(List.of(Candidates.of("k" + i, 0.5, 0)), i);
    }
    ArmStats stats = arm.stats(0);
    assertThat(stats.overBudget()).isBetween(10_000L, 20_000L);
    assertThat(stats.retainedBytes()).isLessThanOrEqualTo(stats.maxRetainedBytes());
  }

  @Test
  void whereCopiesBringLessThanExpected_moreIsAskedFor_untilTheMarginalOnePays() {
    // Each would save 50 and costs 10; half of them are believed to be read, a twentieth is.
    var prices = new Prices(0.01, 0, 1);
    var manager = Candidates.manager(new CostBenefitPolicy(prices, 0.1, 0), CopyBudget.DEFAULT);
    int copied = 0;
    for (int i = 0; i < 2_000; i++) {
      Candidate candidate = Candidates.of("k" + i, 0.5, 1_000);
      if (manager.consider(List.of(candidate), i).get(0).copy()) {
        copied++;
        if (i % 20 == 0) {
          manager.used("t/k" + i);
        } else {
          manager.wasted("t/k" + i, i);
        }
      }
    }
    assertThat(manager.stats(0).leastRatio()).isGreaterThan(2.5);
    assertThat(copied).isLessThan(300);
    Decision last = manager.explain(Key.of("t/k1999")).get(0);
    assertThat(last.reason()).isEqualTo(Decision.Reason.TOO_COSTLY);
    assertThat(last.toString()).contains("at least 2.").contains("too costly");
  }
}
