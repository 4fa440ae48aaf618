package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.record.RegionName;
import org.junit.jupiter.api.Test;

class ShadowPolicyTest {
  private static final double MS_PER_HOUR = 3_600_000;
  private static final CopyTerms TERMS =
      new CopyTerms(new RegionName("eu"), new RegionName("us"), 1_000, 40);

  /** A byte sent, a byte and hour stored, a millisecond. */
  private final ShadowPolicy policy = new ShadowPolicy(new Prices(0.01, 0.001, 0.5), 200);

  private static ShadowUse use(long reads, long updates, long updatesRead) {
    return new ShadowUse(TERMS, reads, updates, 1_000 * updates, 1_000 * updatesRead, MS_PER_HOUR);
  }

  @Test
  void whatComesForIt_isPaidWithItsTransferAndItsTime() {
    Appraisal sent = policy.making(TERMS, true, 2 * MS_PER_HOUR);
    assertThat(sent.price()).isCloseTo(1_200 * 0.01 + 2 * 1_000 * 0.001, within(1e-9));
    assertThat(sent.benefit()).as("of one read").isEqualTo(40 * 0.5);
    assertThat(policy.making(TERMS, false, MS_PER_HOUR).price()).isCloseTo(1, within(1e-9));
  }

  @Test
  void readsEarn_andUpdatesCost_butForThoseThatWereRead() {
    Appraisal earned = policy.earned(use(3, 5, 2));
    assertThat(earned.benefit()).isCloseTo(3 * 40 * 0.5 + 2 * 10, within(1e-9));
    assertThat(earned.cost()).isCloseTo(5 * 10 + 1, within(1e-9));
  }

  @Test
  void itPays_whenItsReadsEarnWhatItCost() {
    assertThat(ShadowPolicy.pays(policy.earned(use(1, 1, 0)))).as("20 for 11").isTrue();
    assertThat(ShadowPolicy.pays(policy.earned(use(1, 2, 0)))).as("20 for 21").isFalse();
    assertThat(ShadowPolicy.pays(policy.earned(use(1, 2, 1)))).as("30 for 21").isTrue();
    assertThat(ShadowPolicy.pays(policy.earned(use(0, 0, 0)))).isFalse();
  }

  @Test
  void whatIsFree_paysIfItIsRead() {
    var free = new ShadowPolicy(new Prices(0, 0, 0), 200);
    assertThat(ShadowPolicy.pays(free.earned(use(1, 9, 0)))).isTrue();
    assertThat(ShadowPolicy.pays(free.earned(use(0, 9, 0)))).isFalse();
  }
}
