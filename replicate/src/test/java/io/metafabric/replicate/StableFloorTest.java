package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class StableFloorTest {
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");

  private final StableFloor floor = new StableFloor(List.of(US, AP));

  /** Counters of actors 1, 2 and so on. */
  private static VersionVector vector(long... counters) {
    var entries = new TreeMap<ActorId, Long>();
    for (int i = 0; i < counters.length; i++) {
      if (counters[i] > 0) {
        entries.put(new ActorId(i + 1), counters[i]);
      }
    }
    return VersionVector.of(entries);
  }

  private void heard(RegionName peer, boolean whole, long... counters) {
    floor.heard(peer, new Frame.Progress(whole, vector(counters)));
  }

  @Test
  void whoHasNotBeenHeard_hasNothing() {
    heard(US, true, 5, 5);
    assertThat(floor.stable(vector(5, 5))).isEqualTo(VersionVector.EMPTY);
    heard(AP, true, 3, 7);
    assertThat(floor.stable(vector(9, 7))).isEqualTo(vector(3, 5));
  }

  @Test
  void whatIsToldBitByBit_isBoundedAsAWhole_andWhatWasToldBeforeStays() {
    heard(AP, true, 5);
    heard(US, true, 5);
    var ids = new long[Provenance.MAX_TOLD_ACTORS];
    var counters = new long[ids.length];
    Arrays.setAll(ids, i -> i + 2L);
    Arrays.fill(counters, 1);
    VersionVector tooMany = VersionVector.of(ids, counters);

    assertThat(floor.heard(US, new Frame.Progress(false, tooMany))).isFalse();
    assertThat(floor.stable(vector(9))).isEqualTo(vector(5));
    assertThat(floor.estimatedBytes()).isLessThan(1000);
    assertThat(floor.heard(US, new Frame.Progress(true, tooMany))).as("no more alone").isTrue();
  }

  @Test
  void whatAPeerHas_countsWhenThisNodeHasTheRestOfItToo() {
    heard(AP, true, 5, 5);
    heard(US, true, 5, 6);
    assertThat(floor.stable(vector(5, 5))).as("a write that US made before").isEqualTo(vector());
    assertThat(floor.stable(vector(5, 6))).isEqualTo(vector(5, 5));
  }

  @Test
  void aPeerThatIsAlwaysAhead_isFollowed() {
    heard(AP, true, 9, 9);
    heard(US, true, 1, 1);
    heard(US, false, 2, 2);
    assertThat(floor.stable(vector(9, 9))).isEqualTo(vector(2, 2));
    heard(US, false, 3, 10);
    assertThat(floor.stable(vector(9, 9))).isEqualTo(vector(2, 2));
    heard(US, false, 4, 11);
    assertThat(floor.stable(vector(9, 10))).isEqualTo(vector(3, 9));
  }

  @Test
  void aPeerThatHasLostSomething_hasLess() {
    heard(AP, true, 9, 9);
    heard(US, true, 5, 5);
    assertThat(floor.stable(vector(9, 9))).isEqualTo(vector(5, 5));
    heard(US, true, 2, 7);
    assertThat(floor.stable(vector(9, 6))).isEqualTo(vector(2, 5));
    assertThat(floor.stable(vector(9, 9))).isEqualTo(vector(2, 7));
  }

  @Test
  void nobodyWaitsForWhoWasEvicted_andEverybodyDoesOnceItIsBack() {
    heard(AP, true, 9, 9);
    heard(US, true, 2, 2);
    assertThat(floor.stable(vector(9, 9))).isEqualTo(vector(2, 2));
    floor.exclude(US);
    assertThat(floor.stable(vector(9, 9))).isEqualTo(vector(9, 9));
    heard(US, true, 1, 1);
    assertThat(floor.stable(vector(9, 9))).as("what it still says").isEqualTo(vector(9, 9));
    floor.include(US);
    assertThat(floor.stable(vector(9, 9))).as("what it said before").isEqualTo(vector());
    heard(US, true, 4, 4);
    assertThat(floor.stable(vector(9, 9))).isEqualTo(vector(4, 4));
  }
}
