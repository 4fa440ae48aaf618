package io.metafabric.simulation;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.merge.Counter;
import io.metafabric.merge.Max;
import io.metafabric.node.SimCluster;
import io.metafabric.replicate.Hedging;
import io.metafabric.replicate.RoutingConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Under what a seed runs.
 *
 * @param siblings keys whose concurrent writes are kept beside each other
 * @param counters keys that are counters, which are merged
 * @param maxima keys that are maxima, which are merged and deleted
 * @param weak whether two of the three namespaces do not wait for the disk
 * @param operators whether regions are taken out of the cluster and in again
 * @param jitter of the executors of a node, so that they overtake each other
 * @param hedging of reads; where it is eager, most of them ask two regions
 * @param link between all regions when nothing is wrong
 * @param weather probability of each fault at each step; empty in a calm seed
 */
record Setting(
    int regions,
    List<Key> keys,
    List<Key> siblings,
    List<Key> counters,
    List<Key> maxima,
    long segmentBytes,
    long retainBytes,
    long hotTierBytes,
    long prefetchBytesPerSecond,
    boolean weak,
    boolean operators,
    Duration jitter,
    Hedging hedging,
    SimLink link,
    Map<Fault, Double> weather) {
  static final int MAX_REGIONS = 5;

  /** Of the journal, more than any run writes. */
  static final long AMPLE_BYTES = 256L << 20;

  /** More often than hosts do, so that it happens in the middle of everything else. */
  private static final Duration FORGET_EVERY = Duration.ofSeconds(1);

  private static final List<String> NAMES = List.of("ap", "eu", "sa", "us", "za");

  private static final List<String> NAMESPACES = List.of("sync", "soon", "os");

  static Setting draw(Dice dice) {
    int regions = dice.oneOf(List.of(2, 2, 3, 3, 3, 3, 4, 5));
    var keys = new ArrayList<Key>();
    int count = dice.between(6, 40);
    for (int i = 0; i < count; i++) {
      keys.add(Key.of(NAMESPACES.get(i % NAMESPACES.size()) + "/" + i));
    }
    return new Setting(
        regions,
        keys,
        keys("siblings/", dice.between(1, 4)),
        keys("counters/", dice.between(1, 3)),
        keys("maxima/", dice.between(1, 3)),
        dice.oneOf(List.of(4096L, 16L << 10, 64L << 10)),
        dice.oneOf(List.of(0L, 8L << 10, AMPLE_BYTES)),
        dice.oneOf(List.of(4L << 10, 64L << 10)),
        dice.oneOf(List.of(10L << 10, 1L << 20)),
        dice.chance(0.25),
        regions > 2 && dice.chance(0.4),
        dice.chance(0.5) ? Duration.ofMillis(dice.between(1, 30)) : Duration.ZERO,
        dice.oneOf(List.of(Hedging.OFF, Hedging.DEFAULT, new Hedging(50, 1))),
        SimLink.perfect(dice.time(Duration.ofMillis(1), Duration.ofMillis(200))),
        weather(dice));
  }

  private static List<Key> keys(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> Key.of(prefix + i)).toList();
  }

  /** Those whose concurrent writes are kept. */
  List<Key> concurrentKeys() {
    return Stream.of(siblings, counters, maxima).flatMap(List::stream).toList();
  }

  boolean isMerged(Key key) {
    return counters.contains(key) || maxima.contains(key);
  }

  /** A fifth of the seeds is calm; in the others half of the faults happen, often or seldom. */
  private static Map<Fault, Double> weather(Dice dice) {
    var weather = new EnumMap<Fault, Double>(Fault.class);
    boolean calm = dice.chance(0.2);
    for (Fault fault : Fault.values()) {
      boolean happens = dice.chance(0.5);
      double often = dice.scaled(0.0005, 0.01);
      if (!calm && happens) {
        weather.put(fault, often);
      }
    }
    return weather;
  }

  /** None, so few that they push each other out, or enough for all. */
  private static long keptBytes(long seed) {
    return List.of(0L, 8L << 10, 1L << 20).get((int) Math.floorMod(seed, 3L));
  }

  SimCluster cluster(long seed) {
    var cluster =
        new SimCluster(seed, segmentBytes, NAMES.subList(0, regions).toArray(new String[0]));
    cluster.world.jitter(jitter);
    cluster.network.defaultLink(link);
    cluster.hotTierBytes = hotTierBytes;
    cluster.routing = new RoutingConfig(Map.of(), hedging);
    cluster.prefetchBytesPerSecond = prefetchBytesPerSecond;
    cluster.keptBytes = keptBytes(seed);
    cluster.conflicts =
        new ConflictConfig(
            new ConflictRules(
                Map.of(
                    "siblings",
                    ConflictRule.siblings(),
                    "counters",
                    Counter.rule(),
                    "maxima",
                    Max.rule())),
            Duration.ofSeconds(60));
    cluster.compaction = new CompactionConfig(32L << 20, retainBytes, 64L << 20, FORGET_EVERY);
    if (weak) {
      cluster.durability =
          new Durabilities(
              Map.of("soon", Durability.interval(Duration.ofMillis(20)), "os", Durability.OS),
              Durability.SYNC);
    }
    return cluster;
  }
}
