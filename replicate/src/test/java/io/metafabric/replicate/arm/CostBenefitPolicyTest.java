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
    var policy = new CostBenefitPolicy(new Prices(0.001, 0.12, 2), 0.1, 100);
    Decision decision = policy.decide(Candidates.of("a", 0.5, 900, 40.001, 3));

    assertThat(decision.benefit()).isCloseTo(0.5 * 40 * 2, within(1e-9));
    assertThat(decision.cost()).isCloseTo(1000 * 0.001 * 3 + 1000 * 0.12 / 120, within(1e-9));
    assertThat(decision.reason()).isEqualTo(Decision.Reason.WORTH_IT);
  }

  @Test
  void aSmallRecordFarAway_isWorthACopy_andALargeOneNearBy_isNot() {
    assertThat(policy.decide(Candidates.of("a", 0.5, 500, 50, 1)).copy()).isTrue();
    Decision large = policy.decide(Candidates.of("b", 0.5, 1 << 20, 1, 1));
    assertThat(large.reason()).isEqualTo(Decision.Reason.TOO_COSTLY);
  }

  @Test
  void whatIsNotNearerThanBefore_isNeverCopied() {
    Decision decision = policy.decide(Candidates.of("a", 1, 0, 0, 1));

    assertThat(decision.copy()).isFalse();
    assertThat(decision.benefit()).isZero();
  }

  @Property
  void belowTheLeastProbability_nothingIsCopied(
      @ForAll @DoubleRange(min = 0, max = 0.09) double probability,
      @ForAll @IntRange(max = 1 << 20) int payloadBytes,
      @ForAll @DoubleRange(min = 0, max = 1e6) double remoteMs) {
    Decision decision = policy.decide(Candidates.of("a", probability, payloadBytes, remoteMs, 1));

    assertThat(decision.reason()).isEqualTo(Decision.Reason.IMPROBABLE);
  }

  @Property
  void whatIsCopied_isCopiedAlsoIfLikelier_smaller_furtherAway_orOnAnIdlerLink(
      @ForAll @DoubleRange(min = 0, max = 1) double probability,
      @ForAll @IntRange(max = 1 << 20) int payloadBytes,
      @ForAll @DoubleRange(min = 0, max = 2_000) double remoteMs,
      @ForAll @DoubleRange(min = 1, max = 100) double linkPressure,
      @ForAll @DoubleRange(min = 0, max = 1) double step) {
    if (policy
        .decide(Candidates.of("a", probability, payloadBytes, remoteMs, linkPressure))
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
    return policy
        .decide(Candidates.of("a", probability, payloadBytes, remoteMs, linkPressure))
        .copy();
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.001, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void pricesThatAreNoPrices_areRefused(double price) {
    assertThatThrownBy(() -> new Prices(price, 0, 0)).isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> new Prices(0, price, 0)).isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> new Prices(0, 0, price)).isInstanceOf(ConfigurationException.class);
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
