package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import org.junit.jupiter.api.Test;

class HoldersTest {
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");

  @Test
  void longKeysTakeMoreRoomThanShortOnes_andTheOldestAreForgottenFirst() {
    var holders = new Holders(100_000);
    for (int i = 0; i < 1000; i++) {
      holders.add(longKey(i), US);
      assertThat(holders.estimatedBytes()).isLessThanOrEqualTo(100_000);
    }
    assertThat(holders.of(longKey(999))).containsExactly(US);
    assertThat(holders.of(longKey(998 - 100_000 / 2000))).isEmpty();

    for (int i = 0; i < 200; i++) {
      holders.add(Key.of("n/" + i), US);
    }
    assertThat(holders.of(Key.of("n/0"))).as("200 short keys have room").containsExactly(US);
  }

  private static Key longKey(int i) {
    return Key.of("n/" + i + "x".repeat(1000));
  }

  @Test
  void whatIsRemovedGivesItsRoomBack() {
    var holders = new Holders(100_000);
    Key key = Key.of("n/1");
    holders.add(key, US);
    holders.add(key, US);
    holders.add(key, AP);
    assertThat(holders.of(key)).containsExactly(AP, US);
    holders.remove(key, US);
    holders.remove(key, US);
    assertThat(holders.of(key)).containsExactly(AP);
    assertThat(holders.estimatedBytes()).isPositive();
    holders.remove(key, AP);
    assertThat(holders.of(key)).isEmpty();
    assertThat(holders.estimatedBytes()).isZero();
  }
}
