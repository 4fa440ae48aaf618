package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class UpdateThresholdTest {
  private static final int SLOT = 3;

  /** Expected to bring 1.5 of what it costs, with an even chance. */
  private static final Appraisal NEAR_THE_MARGIN =
      new Appraisal(0.5, 1, 0, 30, 0.1, 0, 1, 0, 0, 1, 1);

  private static final Appraisal FAR_ABOVE = new Appraisal(0.5, 1, 0, 3_000, 0.1, 0, 1, 0, 0, 1, 1);

  private final UpdateThreshold threshold = new UpdateThreshold(CopyKeeper.SLOTS);

  private void send(Appraisal appraisal, int times, int readOneIn) {
    for (int i = 0; i < times; i++) {
      threshold.sent(SLOT, appraisal, 1);
      threshold.settled(SLOT, i % readOneIn == 0);
    }
  }

  @Test
  void whatBringsLessThanExpected_hasToPromiseMore_andInTimeItIsTriedAgain() {
    send(NEAR_THE_MARGIN, 400, 4);
    double after = threshold.factor(0);
    assertThat(after).isGreaterThan(1.3);
    assertThat(threshold.factor(24 * 3_600_000)).isLessThan(after).isGreaterThanOrEqualTo(1);
  }

  @Test
  void whatBringsWhatItPromised_orMore_isAskedForNoLess() {
    send(NEAR_THE_MARGIN, 400, 2);
    assertThat(threshold.factor(0)).isCloseTo(1, within(0.1));
    send(NEAR_THE_MARGIN, 400, 1);
    assertThat(threshold.factor(0)).isEqualTo(1);
  }

  @Test
  void whatIsFarFromTheMargin_orTellsNothing_teachesNothing() {
    send(FAR_ABOVE, 400, 1_000);
    for (int i = 0; i < 400; i++) {
      threshold.sent(SLOT, NEAR_THE_MARGIN, 0);
      threshold.settled(SLOT, false);
      threshold.sent(SLOT, NEAR_THE_MARGIN, 1);
      threshold.forget(SLOT);
      threshold.settled(SLOT, false);
    }
    assertThat(threshold.factor(0)).isEqualTo(1);
  }

  @Test
  void aKeyThatStandsForOthers_countsForAllOfThem() {
    for (int i = 0; i < 10; i++) {
      threshold.sent(SLOT, NEAR_THE_MARGIN, 16);
      threshold.settled(SLOT, false);
    }
    assertThat(threshold.factor(0)).isGreaterThan(1.5);
  }
}
