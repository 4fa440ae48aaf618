package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClockAgreementTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName SA = new RegionName("sa");
  private static final double HOUR = 3_600_000;

  @Test
  void oneDisagreeingPeer_cannotTellWhoIsWrong() {
    var two = new ClockAgreement(List.of(EU), Duration.ofSeconds(60));
    two.measured(EU, HOUR, 10);
    assertThat(two.problem()).isNull();

    var three = new ClockAgreement(List.of(EU, US), Duration.ofSeconds(60));
    three.measured(EU, HOUR, 10);
    three.measured(US, 5, 10);
    assertThat(three.problem()).isNull();
  }

  @Test
  void mostOfThePeers_canTell_untilTheyAgreeOrAreGone() {
    var clocks = new ClockAgreement(List.of(AP, EU, US), Duration.ofSeconds(60));
    clocks.measured(EU, -HOUR, 10);
    clocks.measured(US, -HOUR - 7, 10);
    assertThat(clocks.problem()).contains("PT1M").contains("eu=-3600000").contains("us=");
    clocks.measured(AP, 0, 10);
    assertThat(clocks.problem()).isNotNull();
    clocks.measured(US, 59_000, 10);
    assertThat(clocks.problem()).isNull();
    clocks.measured(US, 61_000, 10);
    assertThat(clocks.problem()).isNotNull();
    clocks.forget(EU);
    assertThat(clocks.problem()).isNull();
  }

  @Test
  void whoIsEvicted_neitherTestifiesNorCounts() {
    var clocks = new ClockAgreement(List.of(AP, EU, SA, US), Duration.ofSeconds(60));
    clocks.measured(EU, HOUR, 10);
    clocks.measured(US, HOUR, 10);
    assertThat(clocks.problem()).as("two of four").isNull();
    clocks.exclude(SA);
    assertThat(clocks.problem()).as("two of three").isNotNull();
    clocks.exclude(US);
    assertThat(clocks.problem()).as("one of two").isNull();
    clocks.measured(US, HOUR, 10);
    assertThat(clocks.problem()).as("one of two, whatever is still measured").isNull();
    clocks.include(US);
    clocks.measured(US, HOUR, 10);
    assertThat(clocks.problem()).as("two of three again").isNotNull();
    clocks.include(SA);
    assertThat(clocks.problem()).as("two of four again").isNull();
  }

  @Test
  void aSlowAnswer_provesNothing() {
    var clocks = new ClockAgreement(List.of(EU, US), Duration.ofSeconds(60));
    clocks.measured(EU, 70_000, 30_000);
    clocks.measured(US, 70_000, 30_000);
    assertThat(clocks.problem()).isNull();
  }
}
