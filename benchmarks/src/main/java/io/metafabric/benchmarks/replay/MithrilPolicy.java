package io.metafabric.benchmarks.replay;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * LRU with Mithril's prefetching: keys that are missed close to each other, a few times and never
 * often, are associated; a request for the one fetches the other. Parameters are those of the
 * authors' simulator.
 *
 * @see <a href="https://doi.org/10.1145/3127479.3131210">Yang et al., Mithril: Mining Sporadic
 *     Associations for Cache Prefetching, SoCC 2017</a>
 */
final class MithrilPolicy extends LruPolicy {
  private static final int LOOKAHEAD = 20;
  private static final int MIN_SUPPORT = 2;
  private static final int MAX_SUPPORT = 8;
  private static final int TOLERATED = 1;
  private static final int ASSOCIATIONS = 2;
  private static final int LEAST_MAX_ASSOCIATED = 2000;

  /** A row of 28 bytes each: a tenth of the cache, where its entries have 1 KiB. */
  private static final int ASSOCIATED_PER_ENTRY = 4;

  private static final int MINED_AT = 2560;

  private static final int ASSOCIATED_BYTES = 28;
  private static final int RECORDED_BYTES = 4 + 4 * MIN_SUPPORT;
  private static final int MINED_BYTES = 4 + 4 * MAX_SUPPORT;

  /** When each key was missed, until it has been so often enough to be mined. */
  private final Map<Integer, Recorded> recording = new LinkedHashMap<>();

  private final Map<Integer, Recorded> mining = new HashMap<>();
  private final Map<Integer, List<Integer>> associated = new LinkedHashMap<>();
  private final boolean[] unread;

  /** Unread and spared from eviction once. */
  private final boolean[] spared;

  private int[] wanted = new int[ASSOCIATIONS];
  private int wantedCount;
  private final int maxAssociated;
  private int clock;
  private long used;
  private long wasted;

  /** Times of misses of one key, in requests. */
  private static final class Recorded {
    final int key;
    final int[] at = new int[MAX_SUPPORT];
    int count;

    Recorded(int key) {
      this.key = key;
    }

    int first() {
      return at[0];
    }
  }

  MithrilPolicy(Trace trace, int capacity) {
    super(trace, capacity);
    this.maxAssociated = Math.max(LEAST_MAX_ASSOCIATED, ASSOCIATED_PER_ENTRY * capacity);
    this.unread = new boolean[trace.keys().size()];
    this.spared = new boolean[trace.keys().size()];
  }

  @Override
  public boolean request(int row, long nowMs) {
    int key = trace.key()[row];
    clock++;
    boolean hit = super.request(row, nowMs);
    if (hit && unread[key]) {
      unread[key] = false;
      used++;
    }
    if (!hit) {
      record(key);
    }
    wantedCount = 0;
    for (int other : associated.getOrDefault(key, List.of())) {
      wanted[wantedCount++] = other;
    }
    return hit;
  }

  private void record(int key) {
    Recorded mined = mining.get(key);
    if (mined != null) {
      if (mined.count == MAX_SUPPORT) {
        // Too frequent to be sporadic.
        mining.remove(key);
      } else {
        mined.at[mined.count++] = clock;
      }
      return;
    }
    Recorded seen = recording.computeIfAbsent(key, Recorded::new);
    seen.at[seen.count++] = clock;
    if (seen.count == MIN_SUPPORT) {
      recording.remove(key);
      mining.put(key, seen);
      if (mining.size() == MINED_AT) {
        mine();
        mining.clear();
      }
    }
  }

  private void mine() {
    var all = new ArrayList<>(mining.values());
    all.sort(Comparator.comparingInt(Recorded::first));
    for (int i = 0; i < all.size(); i++) {
      Recorded one = all.get(i);
      boolean nearest = true;
      for (int j = i + 1; j < all.size(); j++) {
        Recorded other = all.get(j);
        if (other.first() - one.first() > LOOKAHEAD) {
          break;
        }
        if (Math.abs(one.count - other.count) <= TOLERATED) {
          if (areAssociated(one, other, nearest)) {
            associate(one.key, other.key);
          }
          nearest = false;
        }
      }
    }
  }

  /** Always close to each other, and once directly behind each other unless it is the nearest. */
  private static boolean areAssociated(Recorded one, Recorded other, boolean nearest) {
    int errors = 0;
    boolean adjacent = nearest;
    for (int i = 0; i < Math.min(one.count, other.count) - 1; i++) {
      int apart = Math.abs(one.at[i] - other.at[i]);
      if (apart > LOOKAHEAD && ++errors > TOLERATED) {
        return false;
      }
      adjacent |= apart == 1;
    }
    return adjacent;
  }

  private void associate(int key, int other) {
    List<Integer> known = associated.computeIfAbsent(key, k -> new ArrayList<>(ASSOCIATIONS));
    if (known.contains(other)) {
      return;
    }
    if (known.size() == ASSOCIATIONS) {
      known.remove(0);
    }
    known.add(other);
    if (associated.size() > maxAssociated) {
      associated.remove(associated.keySet().iterator().next());
    }
  }

  @Override
  public int takePrefetches(int[] into, long nowMs) {
    int count = 0;
    for (int i = 0; i < wantedCount; i++) {
      if (!holds(wanted[i])) {
        into[count++] = wanted[i];
      }
    }
    wantedCount = 0;
    return count;
  }

  @Override
  public void prefetched(int key, boolean awaited, long nowMs) {
    if (!holds(key)) {
      unread[key] = !awaited;
      spared[key] = false;
      add(key);
    }
    if (awaited) {
      used++;
    }
  }

  @Override
  void evicted(int key) {
    if (unread[key] && !spared[key]) {
      spared[key] = true;
      add(key);
    } else if (unread[key]) {
      unread[key] = false;
      wasted++;
    }
  }

  /** In tables as the authors have them; here they are maps, which take more. */
  @Override
  public long predictorBytes() {
    return (long) ASSOCIATED_BYTES * associated.size()
        + (long) RECORDED_BYTES * recording.size()
        + (long) MINED_BYTES * mining.size();
  }

  @Override
  public long prefetchesUsed() {
    return used;
  }

  @Override
  public long prefetchesWasted() {
    return wasted;
  }
}
