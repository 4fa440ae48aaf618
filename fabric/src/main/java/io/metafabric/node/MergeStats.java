package io.metafabric.node;

import java.util.Map;

/**
 * What became of merges. Immutable.
 *
 * @param merged times that concurrent values were merged, for a read or for the home
 * @param written merged values that this region, the home, has written
 * @param failed merges that threw, did not return, broke a law, or made a value that is too large;
 *     the values stay siblings
 * @param dropped merges that were not begun because too many waited; the next read tries again
 * @param off namespaces whose merge is not called any more, with the reason: theirs are siblings
 */
public record MergeStats(
    long merged, long written, long failed, long dropped, Map<String, String> off) {
  public MergeStats {
    off = Map.copyOf(off);
  }
}
