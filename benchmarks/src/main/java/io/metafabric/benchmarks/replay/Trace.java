package io.metafabric.benchmarks.replay;

import java.util.List;

/**
 * A trace in memory: columns with names replaced by numbers, in the order of its rows. Immutable by
 * convention; the arrays are shared and not copied.
 *
 * @param broken what was wrong with rows that were skipped, the first few of them
 * @param brokenRows how many were skipped
 */
public record Trace(
    String name,
    long[] timeMs,
    int[] client,
    int[] key,
    boolean[] put,
    int[] size,
    int[] region,
    List<String> clients,
    List<String> keys,
    List<String> regions,
    List<String> broken,
    int brokenRows) {

  public int rows() {
    return key.length;
  }

  /** Whether any row names a region. */
  boolean hasRegions() {
    return regions.stream().anyMatch(each -> !each.isEmpty());
  }

  /** How many keys a cache of this share of all keys holds. */
  public int capacity(double percent) {
    return (int) Math.max(1, Math.round(keys.size() * percent / 100));
  }
}
