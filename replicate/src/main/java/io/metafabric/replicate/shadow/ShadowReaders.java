package io.metafabric.replicate.shadow;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * How often other regions have fetched a payload from this one, which is how often somebody there
 * read it and had no copy. Holds {@value #MAX_BYTES} bytes at most, by estimate; keys that were not
 * fetched for longest are forgotten first. Not thread-safe.
 */
public final class ShadowReaders {
  public static final long MAX_BYTES = 2L << 20;

  private static final long ENTRY_BYTES = 256;
  private static final long REGION_BYTES = 80;

  private final Map<Key, Map<RegionName, Long>> byKey = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  public void fetched(Key key, RegionName by) {
    Map<RegionName, Long> regions = byKey.get(key);
    if (regions == null) {
      regions = new TreeMap<>();
      byKey.put(key, regions);
      bytes += entryBytes(key);
    }
    if (regions.merge(by, 1L, Long::sum) == 1) {
      bytes += REGION_BYTES;
    }
    while (bytes > MAX_BYTES) {
      Key eldest = byKey.keySet().iterator().next();
      Map<RegionName, Long> gone = byKey.remove(eldest);
      bytes -= entryBytes(eldest) + (gone == null ? 0 : REGION_BYTES * gone.size());
    }
  }

  private static long entryBytes(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  /** By region, sorted by name; empty if nobody has fetched it as far as is remembered. */
  public Map<RegionName, Long> of(Key key) {
    Map<RegionName, Long> regions = byKey.get(key);
    return regions == null ? Map.of() : new TreeMap<>(regions);
  }

  public long estimatedBytes() {
    return bytes;
  }
}
