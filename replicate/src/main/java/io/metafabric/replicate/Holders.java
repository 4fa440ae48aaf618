package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which regions were given a copy by this node. A hint: it may have forgotten some, and some may
 * have dropped theirs. Not thread-safe.
 */
final class Holders {
  private final Map<Key, Set<RegionName>> byKey;

  Holders(int maxKeys) {
    byKey =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Key, Set<RegionName>> eldest) {
            return size() > maxKeys;
          }
        };
  }

  void add(Key key, RegionName region) {
    byKey.computeIfAbsent(key, k -> new TreeSet<>()).add(region);
  }

  void remove(Key key, RegionName region) {
    Set<RegionName> regions = byKey.get(key);
    if (regions != null && regions.remove(region) && regions.isEmpty()) {
      byKey.remove(key);
    }
  }

  Set<RegionName> of(Key key) {
    Set<RegionName> regions = byKey.get(key);
    return regions == null ? Set.of() : Set.copyOf(regions);
  }
}
