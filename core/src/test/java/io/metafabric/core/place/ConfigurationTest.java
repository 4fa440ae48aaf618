package io.metafabric.core.place;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.place.Configuration.Standing;
import io.metafabric.core.record.RegionName;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ConfigurationTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");

  @Test
  void eachDecisionIsTheNextEpoch_andSaysSinceWhen() {
    Configuration evicted = Configuration.INITIAL.without(EU);
    Configuration back = evicted.readmitting(EU);

    assertThat(evicted.isMember(EU)).isFalse();
    assertThat(evicted.isMember(US)).isTrue();
    assertThat(evicted.evicted()).containsExactly(EU);
    assertThat(back.epoch()).isEqualTo(2);
    assertThat(back.isMember(EU)).isTrue();
    assertThat(back.since(EU)).isEqualTo(2);
    assertThat(back.since(US)).isZero();
  }

  @Test
  void whatKnowsOfAllDecisions_follows_andNothingElse() {
    Configuration evicted = Configuration.INITIAL.without(EU);
    Configuration back = evicted.readmitting(EU);
    Configuration other = Configuration.INITIAL.without(US).without(AP);

    assertThat(evicted.follows(Configuration.INITIAL)).isTrue();
    assertThat(back.follows(evicted)).isTrue();
    assertThat(evicted.follows(back)).isFalse();
    assertThat(evicted.follows(evicted)).isFalse();
    // It would take eu for a member with the state that it had before.
    assertThat(other.follows(evicted)).isFalse();
    assertThat(other.without(EU).follows(evicted)).isTrue();
  }

  @Test
  void nothingChangesInAnEpochThatWasNotReached() {
    var standing = new TreeMap<>(Map.of(EU, new Standing(true, 3)));

    assertThatThrownBy(() -> new Configuration(2, standing))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("epoch 3 of 2");
  }

  @Test
  void theBackupStandsInForAnEvictedHome_andAnotherForABackup() {
    var homes = new Homes(EU, US);

    assertThat(homes.without(Set.of(AP), new Homes(US, EU))).isEqualTo(homes);
    assertThat(homes.without(Set.of(EU), new Homes(US, AP))).isEqualTo(new Homes(US, AP));
    assertThat(homes.without(Set.of(US), new Homes(AP, EU))).isEqualTo(new Homes(EU, AP));
    assertThat(homes.without(Set.of(EU, US), new Homes(AP, null))).isEqualTo(new Homes(AP, null));
  }
}
