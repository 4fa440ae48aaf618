package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PayThresholdTest {
  private static final long HOUR = 3_600_000_000_000L;

  /** Copies whose expectations are off by a factor; only those over the threshold are made. */
  private static void copies(PayThreshold threshold, int count, double trueShare, Random random) {
    for (int i = 0; i < count; i++) {
      double expected = threshold.ratio(0) * (1 + 2 * random.nextDouble());
      double ifUsed = 10 * expected;
      boolean used = random.nextDouble() < trueShare / 10;
      threshold.settled(expected, used ? ifUsed : 0);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.25, 0.5, 1, 1.5})
  void itComesToWhereTheMarginalCopyJustPays(double broughtOfExpected) {
    var threshold = new PayThreshold(ReplicationManager.NEAR, 0);
    copies(threshold, 20_000, broughtOfExpected, new Random(1));

    assertThat(threshold.ratio(0) * broughtOfExpected).isCloseTo(1, within(0.2));
  }

  @RepeatedTest(50)
  void whateverComes_itStaysWithinItsBounds_andMovesBySmallSteps(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    var threshold = new PayThreshold(ReplicationManager.NEAR, 0);
    double before = 1;
    for (int i = 0; i < 2_000; i++) {
      threshold.settled(random.nextDouble() * 20, random.nextInt(3) * random.nextDouble() * 100);
      double now = threshold.ratio(0);
      assertThat(now).isBetween(PayThreshold.LEAST, PayThreshold.MOST);
      assertThat(now / before).isBetween(0.98, 1.0201);
      before = now;
    }
  }

  @Test
  void aFewLosses_moveNothing() {
    var threshold = new PayThreshold(ReplicationManager.NEAR, 0);
    threshold.settled(1.5, 0);
    assertThat(threshold.ratio(0)).isEqualTo(1);
  }

  @Test
  void copiesFarFromTheMargin_sayNothingOfIt() {
    var threshold = new PayThreshold(ReplicationManager.NEAR, 0);
    for (int i = 0; i < 1_000; i++) {
      threshold.settled(ReplicationManager.NEAR + 0.01, 0);
    }
    assertThat(threshold.ratio(0)).isEqualTo(1);
  }

  @Test
  void whereNoCopyTestsItAnyMore_itComesDownAgain() {
    var threshold = new PayThreshold(ReplicationManager.NEAR, 0);
    for (int i = 0; i < 1_000; i++) {
      threshold.settled(2, 0);
    }
    assertThat(threshold.ratio(0)).isEqualTo(PayThreshold.MOST);

    assertThat(threshold.ratio(HOUR)).isGreaterThan(1.2);
    assertThat(threshold.ratio(24 * HOUR)).isCloseTo(1, within(0.11));
    assertThat(threshold.ratio(10_000 * HOUR)).isBetween(0.9, 1.11);
  }
}
