package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.RegionName;
import java.util.List;
import org.junit.jupiter.api.Test;

class PublicationTimesTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final long MS = 1_000_000;

  private final PublicationTimes times = new PublicationTimes(List.of(EU, US));

  private long lackingAt(RegionName peer, long counter) {
    times.acknowledged(peer, counter - 1);
    return times.firstLackingAt(peer, Long.MAX_VALUE);
  }

  @Test
  void aChangeHasTheTimeOfItsMoment() {
    times.published(3, 10 * MS);
    times.published(4, 10 * MS + 5);
    times.published(9, 20 * MS);
    assertThat(lackingAt(EU, 1)).isEqualTo(10 * MS);
    assertThat(lackingAt(EU, 4)).isEqualTo(10 * MS);
    assertThat(lackingAt(EU, 5)).isEqualTo(20 * MS);
    assertThat(lackingAt(EU, 10)).as("not told of yet").isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void whatAPeerLacks_isKept_whatAllHave_isForgotten_andWhatOneLosesAgain_isAsOldAsTheFirst() {
    for (int i = 1; i <= 100; i++) {
      times.published(i, 10 * MS * i);
    }
    assertThat(lackingAt(EU, 81)).isEqualTo(810 * MS);
    assertThat(lackingAt(US, 1)).isEqualTo(10 * MS);
    assertThat(lackingAt(US, 51)).isEqualTo(510 * MS);
    assertThat(lackingAt(US, 20)).as("what all had is forgotten").isEqualTo(10 * MS);
    assertThat(lackingAt(US, 101)).isEqualTo(Long.MAX_VALUE);
    assertThat(lackingAt(EU, 101)).isEqualTo(Long.MAX_VALUE);
    assertThat(lackingAt(US, 1)).as("it has lost all").isEqualTo(10 * MS);
    times.published(101, 2000 * MS);
    assertThat(lackingAt(EU, 101)).isEqualTo(2000 * MS);
    assertThat(lackingAt(US, 100)).isEqualTo(10 * MS);
  }

  /** One peer is away for a day while there is a change every 10 ms, and the other keeps up. */
  @Test
  void whileOneIsAway_theOthersLagIsExactToAPartOfItself() {
    int changes = 24 * 3600 * 100;
    for (int i = 1; i <= changes; i++) {
      times.published(i, 10 * MS * i);
      if (i > 8) {
        times.acknowledged(EU, i - 8);
        long ageNanos = 70 * MS;
        assertSaid(times.firstLackingAt(EU, 10 * MS * i), 10 * MS * i - ageNanos, ageNanos);
      }
    }
    assertThat(times.firstLackingAt(US, 0)).as("who is furthest behind").isEqualTo(10 * MS);
    for (int i = 1; i <= changes; i += 9973) {
      assertSaid(lackingAt(US, i), 10 * MS * i, 10 * MS * (changes - i));
    }
  }

  private static void assertSaid(long saidNanos, long atNanos, long ageNanos) {
    if (saidNanos > atNanos || atNanos - saidNanos > MS + ageNanos / 16) {
      throw new AssertionError(saidNanos + " was said of " + atNanos + ", " + ageNanos + " before");
    }
  }

  @Test
  void whoIsEvicted_isNotWaitedFor_andHasNothingWhenItComesBack() {
    times.exclude(US);
    for (int i = 1; i <= 50; i++) {
      times.published(i, 10 * MS * i);
    }
    times.acknowledged(EU, 50);
    times.acknowledged(US, 20);
    times.published(51, 1000 * MS);
    times.include(US);
    assertThat(times.firstLackingAt(US, 0)).as("not younger than it is").isEqualTo(10 * MS);
    assertThat(lackingAt(US, 40)).as("forgotten when the others had it").isEqualTo(10 * MS);
    assertThat(lackingAt(US, 51)).isEqualTo(1000 * MS);
  }

  @Test
  void whoIsEvictedWhileItIsAway_isForgottenWithWhatItLacked() {
    for (int i = 1; i <= 50; i++) {
      times.published(i, 10 * MS * i);
    }
    times.acknowledged(EU, 50);
    assertThat(lackingAt(US, 40)).isEqualTo(400 * MS);
    times.exclude(US);
    times.include(US);
    assertThat(lackingAt(US, 40)).isEqualTo(10 * MS);
  }
}
