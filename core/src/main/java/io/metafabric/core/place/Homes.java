package io.metafabric.core.place;

import io.metafabric.core.record.RegionName;
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
}
