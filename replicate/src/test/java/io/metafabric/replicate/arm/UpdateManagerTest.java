package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class UpdateManagerTest {
  private static final long SECOND = 1_000_000_000L;
  private static final RegionName HERE = new RegionName("oslo");
  private static final RegionName THERE = new RegionName("paris");
  private static final Key KEY = Key.of("n/1");
  private static final int BYTES = 4096;
  private static final double RTT_MS = 40;

  private final ReplicationManager arm =
      Candidates.manager(CostBenefitPolicy.of(Prices.DEFAULT), CopyBudget.DEFAULT);
  private long counter;
  private long nowNanos;

  private CopyWrite write(Key key, int bytes) {
    return new CopyWrite(key, new Dot(new ActorId(1), ++counter), THERE, HERE, bytes, RTT_MS, 1);
  }

  private Update written() {
    return arm.decide(write(KEY, BYTES), nowNanos);
  }

  private UpdateTotals totals() {
    return arm.stats(nowNanos).updates().getOrDefault(THERE, UpdateTotals.NONE);
  }

  private Decision lastDecision() {
    List<Decision> decisions = arm.explain(KEY);
    return decisions.get(decisions.size() - 1);
  }

  @Test
  void aCopyThatIsReadBetweenWrites_isPushed_forEver() {
    arm.gaveCopy(KEY, THERE, 0);
    arm.toldReads(KEY, THERE, 1);
    for (int i = 0; i < 500; i++) {
      nowNanos += 10 * SECOND;
      assertThat(written()).isEqualTo(Update.PUSH);
    }
    assertThat(totals()).isEqualTo(new UpdateTotals(500, 500L * BYTES, 0, 0, 0));
    assertThat(lastDecision().appraisal().probability()).isBetween(0.88, 0.95);
    assertThat(lastDecision().toString()).startsWith("pushed: update of the copy in paris, 4096 B");
  }

  @Test
  void aCopyThatIsWrittenOften_andReadSeldom_isInvalidated_untilItIsReadAgain() {
    arm.gaveCopy(KEY, THERE, 0);
    for (int i = 0; i < 100; i++) {
      nowNanos += SECOND;
      written();
    }
    assertThat(totals().pushed()).isBetween(1L, 8L);
    assertThat(totals().invalidated()).isGreaterThan(90);
    assertThat(totals().dropped()).isZero();
    assertThat(lastDecision().reason()).isEqualTo(Decision.Reason.INVALIDATED);
    for (int i = 0; i < 100; i++) {
      arm.gaveCopy(KEY, THERE, nowNanos);
    }
    nowNanos += SECOND;
    assertThat(written()).as("it was fetched as often as it was written").isEqualTo(Update.PUSH);
  }

  @Test
  void aCopyThatNobodyReads_isDropped_butNotBeforeItsTime() {
    arm.gaveCopy(KEY, THERE, 0);
    arm.toldReads(KEY, THERE, 0);
    Update update = written();
    while (update != Update.DROP) {
      assertThat(update).isEqualTo(Update.INVALIDATE);
      assertThat(nowNanos).isLessThan(RemoteCopy.DROP_AFTER_NANOS + 20 * SECOND);
      nowNanos += 10 * SECOND;
      update = written();
    }
    assertThat(nowNanos).isGreaterThanOrEqualTo(RemoteCopy.DROP_AFTER_NANOS);
    assertThat(totals().dropped()).isEqualTo(1);
    assertThat(lastDecision().reason()).isEqualTo(Decision.Reason.DROPPED);
    arm.gaveCopy(KEY, THERE, nowNanos);
    assertThat(written()).as("it begins anew").isEqualTo(Update.PUSH);
  }

  @Test
  void aFetchNowAndThen_keepsItFromBeingDropped() {
    for (int i = 0; i < 1000; i++) {
      if (i % 100 == 0) {
        arm.gaveCopy(KEY, THERE, nowNanos);
      }
      nowNanos += 2 * SECOND;
      assertThat(written()).isNotEqualTo(Update.DROP);
    }
    assertThat(totals().invalidated()).isGreaterThan(900);
  }

  @Test
  void theSameWrite_isDecidedOnce_andPaidOnce() {
    arm.gaveCopy(KEY, THERE, 0);
    CopyWrite write = write(KEY, BYTES);
    for (int i = 0; i < 5; i++) {
      assertThat(arm.decide(write, i)).isEqualTo(Update.PUSH);
    }
    assertThat(totals().pushed()).isEqualTo(1);
    assertThat(arm.explain(KEY)).hasSize(1);
  }

  @RepeatedTest(100)
  void thePayloadGoes_ifAndOnlyIfItBringsMoreThanItCosts(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    Prices prices =
        Prices.DEFAULT
            .withTransferPerGb("oslo", "paris", random.nextDouble())
            .withSavedMs("paris", random.nextDouble() * 0.1);
    arm.setPrices(prices);
    arm.setBudget(
        new CopyBudget(CopyBudget.MAX_BYTES, CopyBudget.MAX_DOLLARS, CopyBudget.MAX_BYTES), 0);
    arm.gaveCopy(KEY, THERE, 0);
    Update before = null;
    for (int i = 0; i < 50; i++) {
      nowNanos += (long) (random.nextDouble() * 20 * SECOND);
      if (random.nextInt(4) == 0) {
        arm.toldReads(KEY, THERE, random.nextDouble());
      }
      int bytes = random.nextInt(1 << 18);
      double rttMs = random.nextDouble() * 200;
      Update update =
          arm.decide(
              new CopyWrite(KEY, new Dot(new ActorId(1), ++counter), THERE, HERE, bytes, rttMs, 1),
              nowNanos);
      double p = lastDecision().appraisal().probability();
      double benefit = p * rttMs * prices.saved(THERE);
      double cost = bytes * prices.transferred(HERE, THERE);
      double least = before == null ? 1 : before == Update.PUSH ? 0.8 : 1.25;
      assertThat(p).isBetween(0.0, 1.0);
      assertThat(update == Update.PUSH)
          .as("seed %d, write %d: %s", run.getCurrentRepetition(), i, lastDecision())
          .isEqualTo(benefit > cost * least);
      before = update == Update.DROP ? null : update;
    }
  }

  @RepeatedTest(20)
  void whatIsPushed_neverExceedsTheBudget_andTheRestGoesAsHeaders(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    long perSecond = 10_000;
    arm.setBudget(CopyBudget.DEFAULT.withBytesPerSecond(perSecond), 0);
    nowNanos = 5 * SECOND;
    long began = nowNanos;
    for (int i = 0; i < 500; i++) {
      Key key = Key.of("n/" + random.nextInt(50));
      arm.gaveCopy(key, THERE, nowNanos);
      arm.toldReads(key, THERE, 100);
      arm.decide(write(key, random.nextInt(3000)), nowNanos);
      nowNanos += random.nextInt(100_000_000);
      assertThat((double) totals().pushedBytes())
          .isLessThanOrEqualTo(perSecond * (1 + (nowNanos - began) / 1e9));
    }
    assertThat(totals().refused()).isPositive();
    assertThat(totals().pushed() + totals().refused()).isEqualTo(500);
  }

  @Test
  void switchedOff_everythingGoesAsAHeader() {
    arm.setEnabled(false);
    arm.gaveCopy(KEY, THERE, 0);
    arm.toldReads(KEY, THERE, 100);
    assertThat(written()).isEqualTo(Update.INVALIDATE);
    assertThat(lastDecision().reason()).isEqualTo(Decision.Reason.SWITCHED_OFF);
    assertThat(totals().refused()).isEqualTo(1);
    arm.setEnabled(true);
    assertThat(written()).isEqualTo(Update.PUSH);
  }

  @Test
  void whatIsKnownOfCopies_isBounded() {
    for (int i = 0; i < 60_000; i++) {
      arm.gaveCopy(Key.of("n/" + i), THERE, 0);
    }
    ArmStats stats = arm.stats(0);
    assertThat(stats.retainedBytes()).isLessThanOrEqualTo(stats.maxRetainedBytes());
    assertThat(stats.retainedBytes()).isGreaterThan(RemoteCopies.MAX_BYTES / 2);
  }
}
