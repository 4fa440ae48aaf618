package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.RegionName;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemberClocksTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");

  @Test
  void withoutPeers_theOwnClockIsAllThereIs() {
    assertThat(new MemberClocks(List.of()).leastMs(77)).isEqualTo(77);
  }

  @Test
  void theOneThatIsBehindCounts_andWhoWasNotHeardHoldsAllBack() {
    var clocks = new MemberClocks(List.of(EU, US));
    clocks.heard(EU, 500);
    assertThat(clocks.leastMs(1000)).as("us was not heard").isNegative();
    clocks.heard(US, 300);
    assertThat(clocks.leastMs(1000)).isEqualTo(300);
    assertThat(clocks.leastMs(200)).isEqualTo(200);
    clocks.heard(US, 100);
    assertThat(clocks.leastMs(1000)).as("it went back").isEqualTo(100);
  }

  @Test
  void whoIsEvictedDoesNotCount_untilItIsHeardAgain() {
    var clocks = new MemberClocks(List.of(EU, US));
    clocks.heard(EU, 500);
    clocks.exclude(US);
    clocks.heard(US, 1);
    assertThat(clocks.leastMs(1000)).isEqualTo(500);
    clocks.include(US);
    assertThat(clocks.leastMs(1000)).isNegative();
    clocks.heard(US, 900);
    assertThat(clocks.leastMs(1000)).isEqualTo(500);
  }
}
