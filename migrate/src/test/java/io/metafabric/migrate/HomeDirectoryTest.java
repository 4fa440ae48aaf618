package io.metafabric.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HomeDirectoryTest {
  static final RegionName PARIS = new RegionName("paris");
  static final RegionName TOKYO = new RegionName("tokyo");
  static final RegionName LIMA = new RegionName("lima");
  static final RegionName OSLO = new RegionName("oslo");

  @Test
  void allRegionsAgree_whateverTheOrderInTheirConfiguration() {
    var one = new HomeDirectory(List.of(PARIS, TOKYO, LIMA), Map.of());
    var other = new HomeDirectory(List.of(LIMA, PARIS, TOKYO), Map.of());
    for (int i = 0; i < 1000; i++) {
      Key key = Key.of("catalogue/" + i);
      assertThat(one.homesOf(key)).isEqualTo(other.homesOf(key));
    }
  }

  @Test
  void homeAndBackupDiffer_andKeysSpreadEvenly() {
    var directory = new HomeDirectory(List.of(PARIS, TOKYO, LIMA), Map.of());
    var homes = new HashMap<RegionName, Integer>();
    var backups = new HashMap<RegionName, Integer>();
    for (int i = 0; i < 9000; i++) {
      Homes at = directory.homesOf(Key.of("catalogue/" + i));
      assertThat(at.home()).isNotEqualTo(at.backup());
      homes.merge(at.home(), 1, Integer::sum);
      backups.merge(at.backup(), 1, Integer::sum);
    }
    assertThat(homes.values()).allSatisfy(n -> assertThat(n).isBetween(2700, 3300));
    assertThat(backups.values()).allSatisfy(n -> assertThat(n).isBetween(2700, 3300));
  }

  @Test
  void aRegionThatJoins_takesItsOwnShareAndMovesNothingElse() {
    var three = new HomeDirectory(List.of(PARIS, TOKYO, LIMA), Map.of());
    var four = new HomeDirectory(List.of(PARIS, TOKYO, LIMA, OSLO), Map.of());
    for (int i = 0; i < 2000; i++) {
      Key key = Key.of("catalogue/" + i);
      RegionName after = four.homesOf(key).home();
      assertThat(after).isIn(three.homesOf(key).home(), OSLO);
    }
  }

  @Test
  void aSingleRegion_isHomeOfAll_withoutBackup() {
    var directory = new HomeDirectory(List.of(PARIS), Map.of());
    assertThat(directory.homesOf(Key.of("a/b"))).isEqualTo(new Homes(PARIS, null));
  }

  @Test
  void homeAndBackup_andNobodyElse_holdAKey_howeverManyRegionsAreLeft() {
    var all = List.of(PARIS, TOKYO, LIMA, OSLO);
    for (int regions = 1; regions <= all.size(); regions++) {
      var some = new HomeDirectory(all.subList(0, regions), Map.of());
      var fixed =
          new HomeDirectory(all.subList(0, regions), Map.of("flags", new Homes(PARIS, null)));
      for (int evicted = 0; evicted < regions; evicted++) {
        var gone = Set.copyOf(all.subList(0, evicted));
        for (HomeDirectory each : List.of(some.without(gone), fixed.without(gone))) {
          var moved = new MovedHomes(each, all);
          for (int i = 0; i < 50; i++) {
            Key key = Key.of((i % 2 == 0 ? "flags/" : "catalogue/") + i);
            for (RegionName region : all) {
              boolean holds = each.homesOf(key).include(region);
              assertThat(each.isHeldBy(region, key)).as(region + " " + key).isEqualTo(holds);
              assertThat(moved.isHeldBy(region, key)).isEqualTo(holds);
            }
          }
        }
      }
    }
  }

  @Test
  void aNamespacesConfiguredHome_wins() {
    var fixed = new Homes(LIMA, PARIS);
    var directory = new HomeDirectory(List.of(PARIS, TOKYO, LIMA), Map.of("flags", fixed));
    assertThat(directory.homesOf(Key.of("flags/x"))).isEqualTo(fixed);
  }

  @Test
  void anUnknownRegionAsHome_isRefusedWithTheKnownOnes() {
    assertThatThrownBy(
            () -> new HomeDirectory(List.of(PARIS), Map.of("flags", new Homes(OSLO, null))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("oslo")
        .hasMessageContaining("[paris]")
        .hasMessageContaining("peer(");
  }

  @Test
  void homeAndBackupInOneRegion_areRefused() {
    assertThatThrownBy(
            () -> new HomeDirectory(List.of(PARIS, LIMA), Map.of("flags", new Homes(PARIS, PARIS))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("both paris")
        .hasMessageContaining("choose another region as backup");
  }

  @Test
  void homeAndBackup_whereThereIsOneRegionOnly_areRefused() {
    for (Homes homes : List.of(new Homes(PARIS, PARIS), new Homes(PARIS, OSLO))) {
      assertThatThrownBy(() -> new HomeDirectory(List.of(PARIS), Map.of("flags", homes)))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("the only region is paris")
          .hasMessageContaining("leave home(...) out, or add a peer(...)");
    }
  }
}
