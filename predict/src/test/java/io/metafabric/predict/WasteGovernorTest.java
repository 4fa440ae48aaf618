package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WasteGovernorTest {
  /** Lets a prefetch happen at each need if it may; every {@code n}th one is used. */
  private static int wastedIn(WasteGovernor governor, int needs, int usedEvery) {
    int wasted = 0;
    int made = 0;
    for (int i = 0; i < needs; i++) {
      governor.need();
      if (governor.admits(1)) {
        made++;
        if (usedEvery > 0 && made % usedEvery == 0) {
          governor.foreseen();
          governor.resolved(1, 0);
        } else {
          governor.resolved(0, 1);
          wasted++;
        }
      }
    }
    return wasted;
  }

  @Test
  void whereNothingIsUsed_hardlyAnythingIsWasted() {
    assertThat(wastedIn(new WasteGovernor(), 10_000, 0)).isBetween(5, 200);
  }

  @Test
  void noMoreThanItsShareOfNeeds_isWasted_howeverMuchIsUsed() {
    int needs = 10_000;
    int wasted = wastedIn(new WasteGovernor(), needs, 2);
    assertThat(wasted).isGreaterThan(1_000);
    assertThat(wasted).isLessThan((int) (needs * WasteGovernor.MOST_PER_NEED * 1.3) + 100);
  }

  @Test
  void theFloor_risesWithWaste_andFallsWithNeeds() {
    var governor = new WasteGovernor();
    governor.resolved(0, 1_000);
    for (int i = 0; i < 50; i++) {
      governor.need();
    }
    assertThat(governor.floor()).isGreaterThan(WasteGovernor.FIRST_FLOOR);
    assertThat(governor.open()).isFalse();
    for (int i = 0; i < 200_000; i++) {
      governor.need();
    }
    assertThat(governor.floor()).isEqualTo(WasteGovernor.LEAST_FLOOR);
    assertThat(governor.open()).isTrue();
  }

  /** All that is fetched ahead is used, and some of it pushes out what would have been read. */
  private static double floorAfter(double unaidedPerNeed, boolean told) {
    var governor = new WasteGovernor();
    for (int i = 0; i < 20_000; i++) {
      governor.need();
      governor.foreseen();
      governor.resolved(1, 0);
      if (told && i % 50 == 0) {
        governor.fetched(i, (long) (i * unaidedPerNeed));
      }
    }
    assertThat(governor.open()).isTrue();
    return governor.floor();
  }

  @Test
  void theFloor_risesWhereMoreIsFetched_thanAQuarterAboveWhatWouldBeWithoutPrediction() {
    assertThat(floorAfter(0.85, true)).isEqualTo(WasteGovernor.LEAST_FLOOR);
    assertThat(floorAfter(0.75, true)).isEqualTo(WasteGovernor.MOST_FLOOR);
    assertThat(floorAfter(0.75, false)).as("nobody says").isEqualTo(WasteGovernor.LEAST_FLOOR);
  }

  @Test
  void theFloor_comesDownAgain_whenNoMoreIsPushedOut() {
    var governor = new WasteGovernor();
    for (int i = 0; i < 10_000; i++) {
      governor.need();
      governor.fetched(i, i / 2);
    }
    assertThat(governor.floor()).isEqualTo(WasteGovernor.MOST_FLOOR);
    for (int i = 0; i < 100_000; i++) {
      governor.need();
      governor.fetched(10_000 + i, 5_000 + i);
    }
    assertThat(governor.floor()).isEqualTo(WasteGovernor.LEAST_FLOOR);
  }
}
