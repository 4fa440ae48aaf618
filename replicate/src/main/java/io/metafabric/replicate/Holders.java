package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Which regions were given a copy by this node. A hint: it may have forgotten some, and some may
 * have dropped theirs. Holds a bounded number of bytes, by estimate. Not thread-safe.
 */
final class Holders {
  private static final long ENTRY_BYTES = 256;
  private static final long REGION_BYTES = 48;

  private final long maxBytes;
  private final Map<Key, Set<RegionName>> byKey = new LinkedHashMap<>(16, 0.75f, true);
  private final AtomicLong bytes = new AtomicLong();

  Holders(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  void add(Key key, RegionName region) {
    Set<RegionName> regions = byKey.get(key);
    if (regions == null) {
      regions = new TreeSet<>();
      byKey.put(key, regions);
      bytes.addAndGet(entryBytes(key));
    }
    if (regions.add(region)) {
      bytes.addAndGet(REGION_BYTES);
    }
    while (bytes.get() > maxBytes) {
      forget(byKey.keySet().iterator().next());
    }
  }

  void remove(Key key, RegionName region) {
    Set<RegionName> regions = byKey.get(key);
    if (regions != null && regions.remove(region)) {
      bytes.addAndGet(-REGION_BYTES);
      if (regions.isEmpty()) {
        forget(key);
      }
    }
  }

  private void forget(Key key) {
    Set<RegionName> regions = byKey.remove(key);
    if (regions != null) {
      bytes.addAndGet(-entryBytes(key) - REGION_BYTES * regions.size());
    }
  }

  private static long entryBytes(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  /** Sorted, so that a run of the simulation is the same in every process. */
  Set<RegionName> of(Key key) {
    Set<RegionName> regions = byKey.get(key);
    return regions == null ? Set.of() : Collections.unmodifiableSet(new TreeSet<>(regions));
  }

  /** For any thread. */
  long estimatedBytes() {
    return bytes.get();
  }
}
