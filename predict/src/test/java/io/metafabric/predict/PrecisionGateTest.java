package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class PrecisionGateTest {
  private final PrecisionGate gate = new PrecisionGate();

  /** Offers predictions; those admitted become prefetches that are used or not, at once. */
  private int offer(int predictions, double probability, boolean used) {
    int admitted = 0;
    for (int i = 0; i < predictions; i++) {
      if (gate.admits(probability)) {
        admitted++;
        gate.made(1);
        gate.resolved(used ? 1 : 0, used ? 0 : 1);
      }
    }
    return admitted;
  }

  @Test
  void aNewGate_letsItsAllowancePass_thenOnlyProbes_untilOutcomesAreKnown() {
    int admitted = 0;
    for (int i = 0; i < 10_000; i++) {
      if (gate.admits(1)) {
        admitted++;
        gate.made(1);
      }
    }

    int probes = (10_000 - PrecisionGate.ALLOWANCE) / PrecisionGate.PROBE_EVERY;
    assertThat(admitted).isBetween(PrecisionGate.ALLOWANCE + probes - 1, 257 + probes);
  }

  @Test
  void whereNothingIsUsed_itCloses_andLetsOnlyProbesThrough() {
    offer(1_000, 1, false);

    assertThat(gate.open()).isFalse();
    assertThat(offer(1_600, 1, false)).isEqualTo(100);
    assertThat(gate.withheld()).isGreaterThanOrEqualTo(1_600);
  }

  @Test
  void aClosedGate_opensAgain_onceItsProbesAreUsed() {
    gate.resolved(0, 1_000);

    int predictions = PrecisionGate.ENOUGH_PROBES * PrecisionGate.PROBE_EVERY;
    offer(predictions - PrecisionGate.PROBE_EVERY, 1, true);
    assertThat(gate.open()).isFalse();
    offer(PrecisionGate.PROBE_EVERY, 1, true);
    assertThat(gate.open()).isTrue();
  }

  @Test
  void betweenTheTwoThresholds_itStaysAsItIs() {
    var open = new PrecisionGate();
    var closed = new PrecisionGate();
    closed.resolved(0, 1_000);
    for (int i = 0; i < 1_000; i++) {
      open.resolved(1, 3);
      closed.resolved(1, 3);
    }

    assertThat(open.precision()).isCloseTo(0.25, within(0.01));
    assertThat(closed.precision()).isCloseTo(0.25, within(0.01));
    assertThat(open.open()).isTrue();
    assertThat(closed.open()).isFalse();
  }

  @Test
  void aPredictorBetterThanTheTarget_mayRiskMore_andAWorseOneLess() {
    var good = new PrecisionGate();
    var poor = new PrecisionGate();
    good.resolved(500, 100);
    poor.resolved(100, 500);

    assertThat(good.floor()).isEqualTo(PrecisionGate.LOWEST_FLOOR);
    assertThat(poor.floor()).isEqualTo(PrecisionGate.HIGHEST_FLOOR);
    assertThat(good.admits(0.11)).isTrue();
    assertThat(good.admits(0.09)).isFalse();
  }

  @RepeatedTest(10)
  void whereProbabilitiesAreTrue_precisionSettlesNearTheTarget(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    for (int i = 0; i < 50_000; i++) {
      // Low probabilities abound, so that the floor alone decides how many of them are tried.
      double probability = Math.pow(random.nextDouble(), 2) * 0.6;
      if (gate.admits(probability)) {
        gate.made(1);
        boolean used = random.nextDouble() < probability;
        gate.resolved(used ? 1 : 0, used ? 0 : 1);
      }
    }

    double precision = (double) gate.used() / (gate.used() + gate.wasted());
    assertThat(precision).as("seed %d", seed).isCloseTo(PrecisionGate.TARGET, within(0.02));
  }

  @Test
  void outcomesThatComeTogether_countAsMuchAsOneByOne() {
    var together = new PrecisionGate();
    for (int i = 0; i < 40; i++) {
      together.resolved(0, 10);
      for (int j = 0; j < 10; j++) {
        gate.resolved(0, 1);
      }
    }

    assertThat(together.precision()).isEqualTo(gate.precision());
    assertThat(together.floor()).isCloseTo(gate.floor(), within(1e-9));
    assertThat(together.open()).isEqualTo(gate.open());
  }
}
