package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PhiAccrualDetectorTest {
  private static final Duration BEAT = Duration.ofMillis(500);
  private static final Duration LEAST = Duration.ofMillis(250);

  private static long ms(double ms) {
    return (long) (ms * 1e6);
  }

  private static PhiAccrualDetector steady(long offsetNanos) {
    var detector = new PhiAccrualDetector(BEAT, LEAST);
    for (int i = 0; i <= 300; i++) {
      detector.heartbeat(offsetNanos + ms(500.0 * i));
    }
    return detector;
  }

  /** The tail of the normal distribution, from tables: P(Z > y) as -log10. */
  @ParameterizedTest
  @CsvSource({"-3, 0.000587", "-1, 0.07503", "0, 0.30103", "1, 0.79954", "2, 1.64302", "3, 2.8697"})
  void phiIsTheLogarithmOfTheTailOfTheNormalDistribution(double deviations, double phi) {
    assertThat(PhiAccrualDetector.phi(500 + 100 * deviations, 500, 100))
        .isCloseTo(phi, within(0.05));
  }

  /** There it suspects a little earlier than the exact tail would. */
  @ParameterizedTest
  @CsvSource({"4, 4.4993, 0.3", "5, 6.5427, 0.9"})
  void farOutItIsAnApproximation(double deviations, double exact, double error) {
    assertThat(PhiAccrualDetector.phi(500 + 100 * deviations, 500, 100))
        .isCloseTo(exact, within(error));
  }

  @Test
  void beforeTheFirstSignOfLife_nothingIsSuspected() {
    var detector = new PhiAccrualDetector(BEAT, LEAST);
    assertThat(detector.phi(Long.MAX_VALUE)).isZero();
    assertThat(detector.silentNanos(Long.MAX_VALUE)).isZero();
  }

  @Test
  void beforeTheFirstGap_thePriorStandsForIt() {
    var detector = new PhiAccrualDetector(BEAT, Duration.ofMillis(1));
    detector.begin(0);
    assertThat(detector.meanMs()).isEqualTo(500);
    assertThat(detector.deviationMs()).isEqualTo(125);
    assertThat(detector.phi(ms(500))).isCloseTo(0.30103, within(1e-6));
  }

  @Test
  void aSteadyPeer_isSuspectedAfterSomeMissedBeats_andNotAfterOne() {
    PhiAccrualDetector detector = steady(0);
    long last = ms(500 * 300);
    assertThat(detector.phi(last + ms(500))).isLessThan(1);
    assertThat(detector.phi(last + ms(1000))).isLessThan(3);
    assertThat(detector.phi(last + ms(1700))).isLessThan(8);
    assertThat(detector.phi(last + ms(1900))).isGreaterThan(8);
    assertThat(detector.phi(last + ms(3700), Duration.ofSeconds(2))).isLessThan(8);
    assertThat(detector.phi(last + ms(3900), Duration.ofSeconds(2))).isGreaterThan(8);
  }

  @Test
  void aPeerOfUnevenRhythm_isGivenMoreTime() {
    var even = steady(0);
    var uneven = new PhiAccrualDetector(BEAT, LEAST);
    long now = 0;
    for (int i = 0; i < 300; i++) {
      now += ms(i % 2 == 0 ? 50 : 2000);
      uneven.heartbeat(now);
    }
    assertThat(uneven.deviationMs()).isCloseTo(975, within(1.0));
    assertThat(uneven.phi(now + ms(2500))).isLessThan(2);
    assertThat(even.phi(ms(500 * 300 + 2500))).isGreaterThan(16);
  }

  @Test
  void otherSignsOfLife_endASilence_andDoNotChangeTheRhythm() {
    PhiAccrualDetector detector = steady(0);
    long last = ms(500 * 300);
    for (int i = 1; i <= 1000; i++) {
      detector.heard(last + ms(i));
    }
    assertThat(detector.meanMs()).isCloseTo(500, within(1e-6));
    assertThat(detector.silentNanos(last + ms(1500))).isEqualTo(ms(500));
    assertThat(detector.phi(last + ms(1500))).isLessThan(1);
  }

  @Test
  void anOutage_isNoGapOfTheRhythm_ifAConnectionBeginsAfterIt() {
    PhiAccrualDetector detector = steady(0);
    long back = ms(500 * 300) + Duration.ofHours(1).toNanos();
    detector.begin(back);
    assertThat(detector.meanMs()).isCloseTo(500, within(1e-6));
    detector.heartbeat(back + ms(500));
    assertThat(detector.meanMs()).isCloseTo(500, within(1e-6));
  }

  @Test
  void whatIsLongAgo_isForgotten() {
    PhiAccrualDetector detector = steady(0);
    long now = ms(500 * 300);
    for (int i = 0; i < PhiAccrualDetector.WINDOW; i++) {
      now += ms(1500);
      detector.heartbeat(now);
    }
    assertThat(detector.meanMs()).isCloseTo(1500, within(1e-6));
    detector.forget();
    assertThat(detector.meanMs()).isEqualTo(500);
    assertThat(detector.phi(now + Duration.ofDays(1).toNanos())).isZero();
  }

  @Test
  void silenceOfAnyLength_givesAFinitePhi() {
    PhiAccrualDetector detector = steady(0);
    assertThat(detector.phi(Duration.ofDays(100_000).toNanos())).isFinite().isPositive();
  }

  /** Clocks of machines begin anywhere, and their nanoseconds may overflow. */
  @Test
  void onlyDifferencesOfTimeCount() {
    long offset = Long.MAX_VALUE - ms(500 * 100);
    long at = ms(500 * 300 + 1234);
    assertThat(steady(offset).phi(offset + at)).isEqualTo(steady(0).phi(at));
  }

  @RepeatedTest(50)
  void phiNeverFallsDuringASilence(RepetitionInfo run) {
    var random = new SplittableRandom(run.getCurrentRepetition()); // the repetition is the seed
    var detector = new PhiAccrualDetector(BEAT, Duration.ofMillis(1 + random.nextInt(500)));
    long now = random.nextLong();
    for (int i = random.nextInt(500); i >= 0; i--) {
      now += ms(random.nextInt(3) == 0 ? random.nextInt(60_000) : random.nextInt(1000));
      if (random.nextInt(4) == 0) {
        detector.heard(now);
      } else {
        detector.heartbeat(now);
      }
    }
    assertThat(detector.deviationMs()).isPositive();
    double before = -1;
    for (int i = 0; i < 200; i++) {
      double phi = detector.phi(now);
      assertThat(phi).isFinite().isGreaterThanOrEqualTo(Math.max(0, before));
      before = phi;
      now += ms(random.nextInt(1 << random.nextInt(16)));
    }
  }

  @Test
  void aGapOfNothing_isRefused() {
    assertThatThrownBy(() -> new PhiAccrualDetector(Duration.ZERO, LEAST))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new PhiAccrualDetector(BEAT, Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
