package io.metafabric.core.place;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.Collections;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Which regions answer for a key. Thread-safe; all regions give the same answer. */
@FunctionalInterface
public interface HomeLookup {
  /** More namespaces are not given homes. */
  int MAX_FIXED_HOMES = 512;

  Homes homesOf(Key key);

  /** Whether a region is home or backup of a key. */
  default boolean isHeldBy(RegionName region, Key key) {
    return homesOf(key).include(region);
  }

  /** The homes that the configuration fixes, by namespace. */
  default SortedMap<String, Homes> fixedHomes() {
    return Collections.unmodifiableSortedMap(new TreeMap<>());
  }

  /** The homes of all keys if these regions are no home of any. */
  default HomeLookup without(Set<RegionName> evicted) {
    return this;
  }

  /** Whether another region would be the home of a key if none had been evicted. */
  default boolean isSubstituted(Key key) {
    return false;
  }
}
