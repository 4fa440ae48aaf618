package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.FrameCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Which regions have shadows of other regions' keys, as home or backup of each said last, and for
 * how long at least. A hint: whoever turns out not to have what was asked for is struck off until
 * it is named again. Holds a bounded number of bytes, by estimate; what was looked up longest ago
 * is forgotten first. Not thread-safe, but for what says otherwise.
 */
final class CopyHints {
  static final long MAX_BYTES = 4L << 20;

  private static final long ENTRY_BYTES = 256;
  private static final long REGION_BYTES = 80;

  /** Nothing is heeded for longer, whatever a peer says. */
  private static final long MAX_LEFT_MS = Duration.ofDays(30).toMillis();

  private final Clock clock;

  /** Until when, by region. */
  private final Map<Key, Map<RegionName, Long>> byKey = new LinkedHashMap<>(16, 0.75f, true);

  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong told = new AtomicLong();
  private final AtomicLong answered = new AtomicLong();
  private final AtomicLong wrong = new AtomicLong();

  CopyHints(Clock clock) {
    this.clock = clock;
  }

  /** These have one, and no others; at most {@value FrameCodec#MAX_REGIONS} of them. */
  void told(Key key, Map<RegionName, Long> leftMs) {
    forget(key);
    var until = new TreeMap<RegionName, Long>();
    long nowNanos = clock.nanoTime();
    leftMs.forEach(
        (region, ms) ->
            until.put(region, nowNanos + Duration.ofMillis(Math.min(ms, MAX_LEFT_MS)).toNanos()));
    if (until.isEmpty()) {
      return;
    }
    told.incrementAndGet();
    byKey.put(key, until);
    bytes.addAndGet(entryBytes(key) + REGION_BYTES * until.size());
    while (bytes.get() > MAX_BYTES) {
      forget(byKey.keySet().iterator().next());
    }
  }

  /** Sorted, so that a run of the simulation is the same in every process. */
  Set<RegionName> of(Key key) {
    Map<RegionName, Long> until = byKey.get(key);
    if (until == null) {
      return Set.of();
    }
    long nowNanos = clock.nanoTime();
    List<RegionName> over = new ArrayList<>();
    until.forEach(
        (region, end) -> {
          if (nowNanos - end >= 0) {
            over.add(region);
          }
        });
    over.forEach(region -> remove(key, until, region));
    return new TreeSet<>(until.keySet());
  }

  /** A region that was asked has answered, with something of use or not. */
  void answered(Key key, RegionName by, boolean isOfUse) {
    Map<RegionName, Long> until = byKey.get(key);
    if (until == null || !until.containsKey(by)) {
      return;
    }
    if (isOfUse) {
      answered.incrementAndGet();
    } else {
      wrong.incrementAndGet();
      remove(key, until, by);
    }
  }

  private void remove(Key key, Map<RegionName, Long> until, RegionName region) {
    until.remove(region);
    bytes.addAndGet(-REGION_BYTES);
    if (until.isEmpty()) {
      forget(key);
    }
  }

  private void forget(Key key) {
    Map<RegionName, Long> until = byKey.remove(key);
    if (until != null) {
      bytes.addAndGet(-entryBytes(key) - REGION_BYTES * until.size());
    }
  }

  private static long entryBytes(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  /** Any thread. */
  HintStats stats() {
    return new HintStats(told.get(), answered.get(), wrong.get(), bytes.get(), MAX_BYTES);
  }
}
