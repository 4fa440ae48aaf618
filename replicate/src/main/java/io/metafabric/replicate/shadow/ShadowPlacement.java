package io.metafabric.replicate.shadow;

import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Where shadows are to be: one region after the other, each the one that takes most latency from
 * the readers beside those that hold the payload by then. A greedy choice, of which the saving is
 * at least 63 % of the best one's (Nemhauser, Wolsey and Fisher 1978). The same input gives the
 * same order.
 */
public final class ShadowPlacement {
  /** Taken for a round trip of which nothing is known, so that a region without one comes last. */
  private static final double UNKNOWN_MS = 1;

  /** Round-trip times, measured or expected of the distance of places. */
  @FunctionalInterface
  public interface Latencies {
    /**
     * @return milliseconds; NaN if nothing is known of it
     */
    double rttMs(RegionName from, RegionName to);
  }

  private final RegionName home;
  private final Latencies latencies;

  /**
   * @param home over which a way is taken to lead of which nothing else is known
   */
  public ShadowPlacement(RegionName home, Latencies latencies) {
    this.home = home;
    this.latencies = latencies;
  }

  /**
   * All candidates, the best one first.
   *
   * @param holding regions that hold the payload already
   * @param reads by region; if there are none, every region is taken to read alike
   */
  public List<RegionName> order(
      Set<RegionName> candidates, Set<RegionName> holding, Map<RegionName, Long> reads) {
    var left = new TreeSet<>(candidates);
    var holders = new TreeSet<>(holding);
    holders.add(home);
    Map<RegionName, Long> weights = reads;
    if (reads.values().stream().allMatch(count -> count == 0)) {
      weights = new TreeMap<>();
      for (RegionName each : candidates) {
        weights.put(each, 1L);
      }
    }
    var order = new ArrayList<RegionName>(left.size());
    while (!left.isEmpty()) {
      RegionName best = best(left, holders, weights);
      left.remove(best);
      holders.add(best);
      order.add(best);
    }
    return order;
  }

  private RegionName best(
      SortedSet<RegionName> left, Set<RegionName> holders, Map<RegionName, Long> reads) {
    RegionName best = left.first();
    double most = -1;
    for (RegionName candidate : left) {
      double saved = 0;
      for (Map.Entry<RegionName, Long> reader : reads.entrySet()) {
        double now = nearest(reader.getKey(), holders);
        double then = way(reader.getKey(), candidate);
        saved += reader.getValue() * Math.max(0, now - then);
      }
      if (saved > most) {
        most = saved;
        best = candidate;
      }
    }
    return best;
  }

  private double nearest(RegionName reader, Set<RegionName> holders) {
    double nearest = Double.POSITIVE_INFINITY;
    for (RegionName holder : holders) {
      nearest = Math.min(nearest, way(reader, holder));
    }
    return nearest;
  }

  private double way(RegionName from, RegionName to) {
    if (from.equals(to)) {
      return 0;
    }
    double known = known(from, to);
    return Double.isNaN(known) ? orUnknown(from, home) + orUnknown(home, to) : known;
  }

  private double orUnknown(RegionName from, RegionName to) {
    double known = from.equals(to) ? 0 : known(from, to);
    return Double.isNaN(known) ? UNKNOWN_MS : known;
  }

  private double known(RegionName from, RegionName to) {
    double there = latencies.rttMs(from, to);
    return Double.isNaN(there) ? latencies.rttMs(to, from) : there;
  }
}
