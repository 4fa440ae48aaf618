package io.metafabric.replicate.shadow;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * How often other regions have fetched a payload from this one, which is how often somebody there
 * read it and had no copy. Fades by half in an hour, so that a region that read a key once upon a
 * time does not keep its shadow from one that reads it now. Holds {@value #MAX_BYTES} bytes at
 * most, by estimate; keys that were not fetched for longest are forgotten first. Not thread-safe;
 * the caller owns the clock.
 */
public final class ShadowReaders {
  public static final long MAX_BYTES = 2L << 20;

  private static final double HALF_LIFE_NANOS = 3_600e9;
  private static final long ENTRY_BYTES = 272;
  private static final long REGION_BYTES = 80;

  private static final class Fetches {
    final Map<RegionName, Double> byRegion = new TreeMap<>();
    long fadedNanos;

    Fetches(long nowNanos) {
      fadedNanos = nowNanos;
    }

    void fade(long nowNanos) {
      long passed = nowNanos - fadedNanos;
      if (passed > 0) {
        double left = StrictMath.pow(2, -passed / HALF_LIFE_NANOS);
        byRegion.replaceAll((region, count) -> count * left);
        fadedNanos = nowNanos;
      }
    }
  }

  private final Map<Key, Fetches> byKey = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  public void fetched(Key key, RegionName by, long nowNanos) {
    Fetches fetches = byKey.get(key);
    if (fetches == null) {
      fetches = new Fetches(nowNanos);
      byKey.put(key, fetches);
      bytes += entryBytes(key);
    }
    fetches.fade(nowNanos);
    if (fetches.byRegion.put(by, fetches.byRegion.getOrDefault(by, 0.0) + 1) == null) {
      bytes += REGION_BYTES;
    }
    while (bytes > MAX_BYTES) {
      Key eldest = byKey.keySet().iterator().next();
      Fetches gone = byKey.remove(eldest);
      bytes -= entryBytes(eldest) + (gone == null ? 0 : REGION_BYTES * gone.byRegion.size());
    }
  }

  private static long entryBytes(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  /**
   * By region, sorted by name, as whole numbers, without those that have faded to none; empty if
   * nobody has fetched it as far as is remembered.
   */
  public Map<RegionName, Long> of(Key key, long nowNanos) {
    var counts = new TreeMap<RegionName, Long>();
    Fetches fetches = byKey.get(key);
    if (fetches != null) {
      fetches.fade(nowNanos);
      fetches.byRegion.forEach(
          (region, count) -> {
            if (Math.round(count) > 0) {
              counts.put(region, Math.round(count));
            }
          });
    }
    return counts;
  }

  public long estimatedBytes() {
    return bytes;
  }
}
