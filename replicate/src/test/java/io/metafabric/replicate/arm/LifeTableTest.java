package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class LifeTableTest {
  private final LifeTable table = new LifeTable();

  @Test
  void ofMany_aThirdNeeded_theRestOver_theChanceIsAThird() {
    for (int i = 0; i < 3_000; i++) {
      if (i % 3 == 0) {
        table.needed(100, 1);
      } else {
        table.over(100_000, 1);
      }
    }
    table.compute();
    assertThat(table.chance(5)).isLessThan(0.01);
    assertThat(table.chance(7)).isCloseTo(1 / 3.0, within(0.01));
    assertThat(table.chance()).isCloseTo(1 / 3.0, within(0.01));
    assertThat(table.heldMs(17)).isBetween(55_000.0, 80_000.0);
  }

  /**
   * Half are needed after 10 s; after a second hardly any are, yet nothing else is known of them.
   */
  @Test
  void whatStillWaits_isNotTakenForWhatNobodyWants() {
    for (int i = 0; i < 1_000; i++) {
      table.waiting(500, 1);
    }
    for (int i = 0; i < 100; i++) {
      table.needed(10_000, 1);
      table.over(20_000, 1);
    }
    table.compute();
    assertThat(table.chance()).isGreaterThan(0.4);
  }

  @Test
  void whatIsUnknown_isNeitherCertainNorImpossible() {
    assertThat(table.chance()).isBetween(0.3, 0.95);
    assertThat(table.chance(0)).isBetween(0.001, 0.1);
  }

  @RepeatedTest(50)
  void chancesAndTimes_onlyGrow_andStayWithinTheirBounds(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    for (int i = random.nextInt(2_000); i > 0; i--) {
      long ms = random.nextLong() >>> random.nextInt(64);
      switch (random.nextInt(4)) {
        case 0 -> table.needed(ms, random.nextDouble());
        case 1 -> table.over(ms, random.nextDouble());
        case 2 -> table.waiting(ms, random.nextDouble());
        default -> table.fade();
      }
    }
    table.compute();
    for (int span = 0; span < LifeTable.SPANS; span++) {
      assertThat(table.chance(span)).isBetween(0.0, 1.0);
      assertThat(table.heldMs(span)).isBetween(0.0, LifeTable.endMs(span));
      if (span > 0) {
        assertThat(table.chance(span)).isGreaterThanOrEqualTo(table.chance(span - 1));
        assertThat(table.heldMs(span)).isGreaterThanOrEqualTo(table.heldMs(span - 1));
      }
    }
  }
}
