package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.error.ConfigurationException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CostBenefitPolicyTest {
  private final CostBenefitPolicy policy = CostBenefitPolicy.of(Prices.DEFAULT);

  @Test
  void benefitAndCost_areInMicroDollars() {
    var policy = new CostBenefitPolicy(new Prices(0.001, 0.0006, 2), 0.1, 100);
    Decision decision = policy.decide(Candidates.of("a", 0.5, 900, 40.001, 3, 0.75), 10, 0.1, 1.5);
    Appraisal terms = decision.appraisal();

    assertThat(terms.reads()).isCloseTo(1 + 10 * 0.040001, within(1e-9));
    assertThat(terms.updates()).isCloseTo(0.1 * 30, within(1e-9));
    assertThat(terms.benefit()).isCloseTo(0.5 * 1.40001 * 40 * 2, within(1e-9));
    assertThat(terms.cost())
        .isCloseTo((1000 + 3 * 1000) * 0.001 * 3 + 1000 * 0.0006 / 120 * 4, within(1e-9));
    assertThat(terms.price()).isCloseTo(4000 * 0.001 + 1000 * 0.0006 / 120, within(1e-9));
    assertThat(decision.reason()).isEqualTo(Decision.Reason.WORTH_IT);
    assertThat(decision.toString())
        .isEqualTo(
            "copied: after t/0, 900 B from oslo; benefit 56.0004 = p 0.50 x 1.40 reads x (40.0 ms"
                + " x 2.0000 + transfer 0.0000); cost 12.0200 = (transfer 1.0000 + 3.00 updates 3.0000) x link 3.00 +"
                + " storage 0.005000 x tier 4.0 micro-dollars; at least 1.50 for 1: worth it");
  }

  @Test
  void thePriceOfThePair_andOfTheRegion_areTheOnesThatCount() {
    Prices prices =
        new Prices(0, 0, 0)
            .withTransferPerGb("oslo", "paris", 1_000)
            .withTransferPerGb("paris", "oslo", 7)
            .withSavedMs("paris", 3)
            .withSavedMs("oslo", 7);
    var policy = new CostBenefitPolicy(prices, 0.1, 0);
    Appraisal terms = policy.decide(Candidates.of("a", 1, 10, 1.001, 1), 0, 0, 1).appraisal();

    assertThat(terms.transfer()).isCloseTo(10, within(1e-9));
    assertThat(terms.benefit()).isCloseTo(3, within(1e-9));
  }

  @Property
  void whatIsCopied_isCopiedAlsoIfReadMoreOften_updatedLess_intoAnEmptierTier(
      @ForAll @DoubleRange(min = 0, max = 1) double probability,
      @ForAll @IntRange(max = 1 << 20) int payloadBytes,
      @ForAll @DoubleRange(min = 0, max = 1) double fullness,
      @ForAll @DoubleRange(min = 0, max = 10) double reads,
      @ForAll @DoubleRange(min = 0, max = 10) double updates,
      @ForAll @DoubleRange(min = 0, max = 1) double step) {
    Candidate before = Candidates.of("a", probability, payloadBytes, 50, 1, fullness);
    if (policy.decide(before, reads, updates, 1).copy()) {
      Candidate emptier = Candidates.of("a", probability, payloadBytes, 50, 1, fullness * step);
      assertThat(policy.decide(before, reads * (1 + step), updates, 1).copy()).isTrue();
      assertThat(policy.decide(before, reads, updates * step, 1).copy()).isTrue();
      assertThat(policy.decide(emptier, reads, updates, 1).copy()).isTrue();
    }
  }

  @Test
  void whatIsUpdatedAllTheTime_isNotWorthACopy() {
    Candidate candidate = Candidates.of("a", 0.5, 500);
    assertThat(policy.decide(candidate, 0, 0, 1).copy()).isTrue();
    assertThat(policy.decide(candidate, 0, 1, 1).reason()).isEqualTo(Decision.Reason.TOO_COSTLY);
  }

  @Test
  void aSmallRecordFarAway_isWorthACopy_andALargeOneNearBy_isNot() {
    assertThat(Candidates.decide(policy, Candidates.of("a", 0.5, 500, 50, 1)).copy()).isTrue();
    Decision large = Candidates.decide(policy, Candidates.of("b", 0.5, 1 << 20, 1, 1));
    assertThat(large.reason()).isEqualTo(Decision.Reason.TOO_COSTLY);
  }

  @Test
  void whatIsNotNearerThanBefore_isNeverCopied() {
    Decision decision = Candidates.decide(policy, Candidates.of("a", 1, 0, 0, 1));

    assertThat(decision.copy()).isFalse();
    assertThat(decision.appraisal().benefit()).isZero();
  }

  @Property
  void belowTheLeastProbability_nothingIsCopied(
      @ForAll @DoubleRange(min = 0, max = 0.09) double probability,
      @ForAll @IntRange(max = 1 << 20) int payloadBytes,
      @ForAll @DoubleRange(min = 0, max = 1e6) double remoteMs) {
    Decision decision =
        Candidates.decide(policy, Candidates.of("a", probability, payloadBytes, remoteMs, 1));

    assertThat(decision.reason()).isEqualTo(Decision.Reason.IMPROBABLE);
  }

  @Property
  void whatIsCopied_isCopiedAlsoIfLikelier_smaller_furtherAway_orOnAnIdlerLink(
      @ForAll @DoubleRange(min = 0, max = 1) double probability,
      @ForAll @IntRange(max = 1 << 20) int payloadBytes,
      @ForAll @DoubleRange(min = 0, max = 2_000) double remoteMs,
      @ForAll @DoubleRange(min = 1, max = 100) double linkPressure,
      @ForAll @DoubleRange(min = 0, max = 1) double step) {
    if (Candidates.decide(
            policy, Candidates.of("a", probability, payloadBytes, remoteMs, linkPressure))
        .copy()) {
      double likelier = probability + step * (1 - probability);
      int smaller = (int) (payloadBytes * (1 - step));
      double further = remoteMs * (1 + step);
      double idler = 1 + (linkPressure - 1) * (1 - step);

      assertThat(copies(likelier, payloadBytes, remoteMs, linkPressure)).isTrue();
      assertThat(copies(probability, smaller, remoteMs, linkPressure)).isTrue();
      assertThat(copies(probability, payloadBytes, further, linkPressure)).isTrue();
      assertThat(copies(probability, payloadBytes, remoteMs, idler)).isTrue();
    }
  }

  private boolean copies(
      double probability, int payloadBytes, double remoteMs, double linkPressure) {
    return Candidates.decide(
            policy, Candidates.of("a", probability, payloadBytes, remoteMs, linkPressure))
        .copy();
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.001, 1.001, Double.NaN})
  void aLeastProbabilityThatIsNone_isRefused(double probability) {
    assertThatThrownBy(() -> new CostBenefitPolicy(Prices.DEFAULT, probability, 0))
        .isInstanceOf(ConfigurationException.class);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void candidatesWithImpossibleTimesOrPressure_areRefused(double value) {
    assertThatThrownBy(() -> Candidates.of("a", 0.5, 100, value, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Candidates.of("a", 0.5, 100, 50, value))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
