package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SourceSwitchTest {
  private final SourceSwitch source = new SourceSwitch();

  /** Outcomes of which the first {@code earning} were fair and came true. */
  private void outcomes(int count, int earning) {
    for (int i = 0; i < count; i++) {
      source.outcome(i < earning, i < earning);
    }
  }

  private boolean isOn() {
    return source.stats("p", Source.CLIENT, 0).on();
  }

  private int heardOf(int reads) {
    int heard = 0;
    for (int i = 0; i < reads; i++) {
      heard += source.speaks() ? 1 : 0;
    }
    return heard;
  }

  @Test
  void belowItsFloor_aSourceIsHeardNowAndThenOnly() {
    assertThat(heardOf(100)).isEqualTo(100);
    outcomes(SourceSwitch.OUTCOMES - 1, 1);
    assertThat(isOn()).as("few outcomes say little").isTrue();
    outcomes(1, 0);
    assertThat(isOn()).isFalse();
    assertThat(heardOf(16 * SourceSwitch.PROBE_EVERY)).isEqualTo(16);
  }

  @Test
  void whatIsUnlikelyAndComesTrue_orLikelyAndDoesNot_earnsNothing() {
    for (int i = 0; i < SourceSwitch.OUTCOMES; i++) {
      source.outcome(i % 2 == 0, i % 2 != 0);
    }
    assertThat(isOn()).isFalse();
    assertThat(source.stats("p", Source.CLIENT, 0).precision()).isZero();
  }

  @Test
  void betweenTheTwoThresholds_itStaysAsItIs() {
    outcomes(SourceSwitch.OUTCOMES, 2);
    assertThat(isOn()).isTrue();
    outcomes(SourceSwitch.OUTCOMES, 0);
    assertThat(isOn()).isFalse();
    outcomes(SourceSwitch.PROBES, 1);
    assertThat(isOn()).isFalse();
    outcomes(SourceSwitch.PROBES, 2);
    assertThat(isOn()).isTrue();
    assertThat(source.stats("p", Source.CLIENT, 0).switchedOff()).isEqualTo(1);
  }
}
