package io.metafabric.replicate.arm;

import static io.metafabric.core.stress.Interleavings.race;
import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.times;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Real threads draw on one budget: what is under the lock is long, and Lincheck calls it
 * non-deterministic.
 */
@Tag("stress")
class ReplicationManagerStressTest {
  private static final CostBenefitPolicy POLICY = CostBenefitPolicy.of(Prices.DEFAULT);
  private static final int ROUNDS = 200;
  private static final int KEYS = 20;
  private static final int BYTES = 20_000;

  @Test
  void noByteIsSpentTwice_andNoneThatIsGivenBackIsLost() {
    for (int round = 0; round < times(ROUNDS); round++) {
      ReplicationManager arm =
          Candidates.manager(POLICY, CopyBudget.DEFAULT.withBytesPerSecond(BYTES));
      var paid = new AtomicInteger();
      race(() -> pay(arm, paid), () -> pay(arm, paid));
      require(paid.get() == BYTES, paid + " of " + BYTES + " bytes were spent");
      race(() -> giveBack(arm), () -> giveBack(arm));
      require(arm.payBytes(BYTES, 0), "what was given back is lost");
    }
  }

  private static void pay(ReplicationManager arm, AtomicInteger paid) {
    for (int i = 0; i < BYTES; i++) {
      paid.addAndGet(arm.payBytes(1, 0) ? 1 : 0);
    }
  }

  private static void giveBack(ReplicationManager arm) {
    for (int i = 0; i < BYTES / 2; i++) {
      arm.giveBackBytes(1);
    }
  }

  @Test
  void aKeyIsCopiedOnce_andEachDecisionIsCounted() {
    for (int round = 0; round < times(ROUNDS); round++) {
      ReplicationManager arm = Candidates.manager(POLICY, CopyBudget.DEFAULT);
      race(() -> considerAll(arm), () -> considerAll(arm));
      ArmStats stats = arm.stats(0);
      require(stats.considered() == 2 * KEYS, stats.considered() + " decisions");
      require(stats.copied() == KEYS, stats.copied() + " copies");
      require(stats.copiedLately() == KEYS, stats.copiedLately() + " copied lately");
    }
  }

  private static void considerAll(ReplicationManager arm) {
    for (int key = 0; key < KEYS; key++) {
      arm.consider(List.of(Candidates.of("" + key, 0.9, 100)), 0);
    }
  }
}
