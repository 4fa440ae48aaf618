package io.metafabric.replicate.shadow;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which regions have a shadow by leave of this one, their home, and until when at least. A home
 * that begins anew learns of a shadow when that is renewed. Holds {@value #MAX_BYTES} bytes at
 * most, by estimate; those that were not asked about for longest are forgotten first. Not
 * thread-safe.
 */
public final class ShadowLedger {
  public static final long MAX_BYTES = 4L << 20;

  private static final long ENTRY_BYTES = 256;
  private static final long REGION_BYTES = 80;

  private record Leave(long untilNanos, ShadowPromise promise) {}

  private final Map<Key, Map<RegionName, Leave>> byKey = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;
  private long forgotten;

  /** Those that have one now, sorted. */
  public Set<RegionName> of(Key key, long nowNanos) {
    Map<RegionName, Leave> regions = byKey.get(key);
    if (regions == null) {
      return Set.of();
    }
    int before = regions.size();
    regions.values().removeIf(leave -> nowNanos - leave.untilNanos() >= 0);
    bytes -= REGION_BYTES * (before - regions.size());
    if (regions.isEmpty()) {
      forget(key);
    }
    return Collections.unmodifiableSet(new TreeSet<>(regions.keySet()));
  }

  /** For how many nanoseconds more regions have one, of which it was promised that they do. */
  public Map<RegionName, Long> leftOf(Key key, long nowNanos) {
    var left = new TreeMap<RegionName, Long>();
    byKey
        .getOrDefault(key, Map.of())
        .forEach(
            (region, leave) -> {
              if (leave.promise().endNanos() - nowNanos > 0) {
                left.put(region, leave.promise().endNanos() - nowNanos);
              }
            });
    return left;
  }

  /**
   * A region has one for so long at least; if it lives on, it asks again before then.
   *
   * @param promise what is made up for if it is lost
   */
  public void add(Key key, RegionName region, ShadowPromise promise, long untilNanos) {
    Map<RegionName, Leave> regions = byKey.get(key);
    if (regions == null) {
      regions = new TreeMap<>();
      byKey.put(key, regions);
      bytes += entryBytes(key);
    }
    if (regions.put(region, new Leave(untilNanos, promise)) == null) {
      bytes += REGION_BYTES;
    }
    while (bytes > MAX_BYTES) {
      Key eldest = byKey.keySet().iterator().next();
      forgotten += byKey.getOrDefault(eldest, Map.of()).size();
      forget(eldest);
    }
  }

  /**
   * Forgets what these regions had, as they are gone.
   *
   * @return what was promised of those keys whose shadows were asked for by name, and is not over;
   *     of several that which lasts longest
   */
  public Map<Key, ShadowPromise> lost(Set<RegionName> gone, long nowNanos) {
    var wanted = new TreeMap<Key, ShadowPromise>();
    for (Key key : List.copyOf(byKey.keySet())) {
      for (RegionName region : gone) {
        Map<RegionName, Leave> regions = byKey.get(key);
        Leave leave = regions == null ? null : regions.get(region);
        if (leave != null && leave.promise().isAskedFor() && !leave.promise().isOver(nowNanos)) {
          wanted.merge(key, leave.promise(), ShadowPromise::orLonger);
        }
        remove(key, region);
      }
    }
    return wanted;
  }

  /** Whether a region has one that was asked for by name. */
  public boolean isAskedFor(Key key, RegionName region, long nowNanos) {
    Map<RegionName, Leave> regions = byKey.get(key);
    Leave leave = regions == null ? null : regions.get(region);
    return leave != null && leave.promise().isAskedFor() && nowNanos - leave.untilNanos() < 0;
  }

  /**
   * Keys of which a region has a shadow, at most so many, and what was promised of them; those
   * first that were asked for by name.
   */
  public Map<Key, ShadowPromise> in(RegionName region, int most, long nowNanos) {
    var there = new LinkedHashMap<Key, ShadowPromise>();
    for (boolean askedFor : new boolean[] {true, false}) {
      for (Map.Entry<Key, Map<RegionName, Leave>> each : byKey.entrySet()) {
        Leave leave = each.getValue().get(region);
        if (leave != null
            && leave.promise().isAskedFor() == askedFor
            && nowNanos - leave.untilNanos() < 0) {
          if (there.size() >= most) {
            return there;
          }
          there.put(each.getKey(), leave.promise());
        }
      }
    }
    return there;
  }

  /** Of which keys regions have shadows; a copy. */
  public List<Key> keys() {
    return List.copyOf(byKey.keySet());
  }

  /** Forgets who has one, and says who that was. */
  public Set<RegionName> removeAll(Key key) {
    Map<RegionName, Leave> regions = byKey.get(key);
    forget(key);
    return regions == null
        ? Set.of()
        : Collections.unmodifiableSet(new TreeSet<>(regions.keySet()));
  }

  public void remove(Key key, RegionName region) {
    Map<RegionName, Leave> regions = byKey.get(key);
    if (regions != null && regions.remove(region) != null) {
      bytes -= REGION_BYTES;
      if (regions.isEmpty()) {
        forget(key);
      }
    }
  }

  private void forget(Key key) {
    Map<RegionName, Leave> regions = byKey.remove(key);
    if (regions != null) {
      bytes -= entryBytes(key) + REGION_BYTES * regions.size();
    }
  }

  private static long entryBytes(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  /** How many leaves went for want of room. */
  public long forgotten() {
    return forgotten;
  }

  public long estimatedBytes() {
    return bytes;
  }
}
