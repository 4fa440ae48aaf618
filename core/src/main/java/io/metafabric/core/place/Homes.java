package io.metafabric.core.place;

import io.metafabric.core.record.RegionName;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The regions that hold a record's payload whatever happens. Immutable.
 *
 * @param home answers for the record
 * @param backup answers when the home cannot; null if there is one region only
 */
public record Homes(RegionName home, @Nullable RegionName backup) {
  public boolean include(RegionName region) {
    return home.equals(region) || region.equals(backup);
  }

  /**
   * The same without regions that were evicted: the backup stands in for the home, and others for
   * whoever is missing.
   *
   * @param others the homes that the key would have if it had none yet; none of them is evicted
   */
  public Homes without(Set<RegionName> evicted, Homes others) {
    boolean homeStays = !evicted.contains(home);
    RegionName standIn = backup != null && !evicted.contains(backup) ? backup : null;
    if (homeStays && (standIn != null || backup == null)) {
      return this;
    }
    RegionName first = homeStays ? home : standIn != null ? standIn : others.home();
    RegionName second = others.home().equals(first) ? others.backup() : others.home();
    return new Homes(first, second);
  }
}
