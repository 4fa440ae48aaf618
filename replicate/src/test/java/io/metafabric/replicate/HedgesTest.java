package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HedgesTest {
  private static final RegionName US = new RegionName("us");

  private final Hedges hedges = new Hedges(Hedging.DEFAULT);

  @RepeatedTest(50)
  void atNoTimeAreThereMoreExtraRequestsThanTheirShare(RepetitionInfo run) {
    var random = new SplittableRandom(run.getCurrentRepetition()); // the repetition is the seed
    double share = random.nextInt(4) == 0 ? 0.05 : random.nextDouble();
    var budget = new HedgeBudget(share);
    long requests = 0;
    long extra = 0;
    double wish = random.nextDouble();
    for (int i = 0; i < 5000; i++) {
      if (random.nextDouble() < wish) {
        extra += budget.tryTake() ? 1 : 0;
      } else {
        budget.requested();
        requests++;
      }
      assertThat((double) extra).isLessThanOrEqualTo(share * requests);
    }
    assertThat(extra).as("and they are not all refused").isPositive();
  }

  @Test
  void whatACalmTimeEarned_isKeptWithinABound() {
    var budget = new HedgeBudget(0.05);
    for (int i = 0; i < 1_000_000; i++) {
      budget.requested();
    }
    int burst = 0;
    while (budget.tryTake()) {
      burst++;
    }
    assertThat(burst).isEqualTo(HedgeBudget.MOST_KEPT);
  }

  @Test
  void whatIsRefused_isCounted() {
    assertThat(hedges.trySend()).isFalse();
    for (int i = 0; i < 40; i++) {
      hedges.requested();
    }
    assertThat(hedges.trySend()).isTrue();
    assertThat(hedges.trySend()).isTrue();
    assertThat(hedges.trySend()).isFalse();
    assertThat(hedges.sentTotal()).isEqualTo(2);
    assertThat(hedges.refusedTotal()).isEqualTo(2);
  }

  @Test
  void anAnswerIsLate_aQuarterBeyondThePercentile() {
    assertThat(hedges.lateAfterMs(US)).isNaN();
    for (int i = 0; i < 100; i++) {
      hedges.took(US, i < 95 ? 40 : 400);
    }
    assertThat(hedges.lateAfterMs(US)).isEqualTo(50);
    assertThat(hedges.latestAfterMs(US)).isEqualTo(500);
  }

  @Test
  void aSecondRegionIsAsked_whereTheFirstUsuallyTakesLongerFromThereOn() {
    for (int i = 0; i < 100; i++) {
      hedges.took(US, i < 95 ? 40 : 400);
    }
    assertThat(hedges.isSooner(US, 50, 60)).isTrue();
    assertThat(hedges.isSooner(US, 50, 349)).isTrue();
    assertThat(hedges.isSooner(US, 50, 351)).isFalse();
    assertThat(hedges.isSooner(US, 50, Double.NaN)).isFalse();
    assertThat(hedges.isSooner(US, 500, 351)).as("never so late before").isTrue();
  }

  @ParameterizedTest
  @ValueSource(doubles = {49, 100, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void aPercentileThatIsNone_isRefused(double percentile) {
    assertThatThrownBy(() -> new Hedging(percentile, 0.05))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("hedging percentile must be 50 to 99.9, was " + percentile);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
  void aShareThatIsNone_isRefused(double share) {
    assertThatThrownBy(() -> new Hedging(95, share))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("hedging maxExtraShare must be 0 to 1, was " + share);
  }
}
