package io.metafabric.node;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.Hedging;
import io.metafabric.replicate.RoutingConfig;
import io.metafabric.replicate.RoutingStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;

/**
 * Reads, one after the other, of keys whose home is 40 ms away and whose backup is 50 ms away,
 * while the regions take longer for some answers than for others; in virtual time.
 */
final class HedgedReads {
  static final RegionName READER = new RegionName("eu");
  private static final RegionName HOME = new RegionName("us");
  private static final RegionName BACKUP = new RegionName("ap");
  private static final double HOME_RTT_MS = 40;
  private static final int KEYS = 400;

  /** By how many round trips an answer is late. */
  enum Lateness {
    /** One in twenty takes ten times as long. */
    TAIL_5_PERCENT(random -> random.nextDouble() < 0.05 ? 9 : 0.1 * random.nextDouble()),
    /** One in a hundred does. */
    TAIL_1_PERCENT(random -> random.nextDouble() < 0.01 ? 9 : 0.1 * random.nextDouble()),
    /** Log-normal. */
    LOG_NORMAL(random -> 0.2 * StrictMath.exp(random.nextGaussian())),
    /** Up to half a round trip, evenly. */
    JITTER_ALONE(random -> 0.5 * random.nextDouble());

    private final ToDoubleFunction<RandomGenerator> roundTrips;

    Lateness(ToDoubleFunction<RandomGenerator> roundTrips) {
      this.roundTrips = roundTrips;
    }
  }

  /**
   * What came of it.
   *
   * @param sortedMs how long each read took
   */
  record Outcome(double[] sortedMs, RoutingStats routing) {
    double percentileMs(double percentile) {
      return sortedMs[(int) Math.ceil(percentile / 100 * sortedMs.length) - 1];
    }

    double extraShare() {
      return (double) routing.hedgesSent() / sortedMs.length;
    }
  }

  private HedgedReads() {}

  static Outcome run(Lateness lateness, Hedging hedging, int reads) {
    SimCluster cluster = cluster(hedging);
    List<Key> keys = write(cluster);
    RandomGenerator random = cluster.world.fork("lateness");
    answersTake(cluster, () -> HOME_RTT_MS * lateness.roundTrips.applyAsDouble(random));
    var tookMs = new double[reads];
    for (int i = 0; i < reads; i++) {
      tookMs[i] = read(cluster, keys.get(i % KEYS));
    }
    Arrays.sort(tookMs);
    return new Outcome(tookMs, cluster.node(READER).stats().replication().routing());
  }

  static SimCluster cluster(Hedging hedging) {
    var cluster = new SimCluster(5, 1 << 20, "ap", "eu", "us");
    cluster.hotTierBytes = 4 << 10;
    cluster.routing = new RoutingConfig(Map.of(), hedging);
    link(cluster, READER, HOME, HOME_RTT_MS / 2);
    link(cluster, READER, BACKUP, 25);
    link(cluster, HOME, BACKUP, 30);
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    cluster.node(READER).setPrediction(false);
    return cluster;
  }

  static void answersTake(SimCluster cluster, DoubleSupplier ms) {
    cluster.network.slowness(
        frame ->
            frame instanceof Frame.FetchReply
                ? Duration.ofNanos((long) (1e6 * ms.getAsDouble()))
                : Duration.ZERO);
  }

  /**
   * @return how many milliseconds it took
   */
  static double read(SimCluster cluster, Key key) {
    long begun = cluster.world.nanoTime();
    ReadOutcome outcome = SimReads.outcome(cluster, READER, key);
    if (!(outcome instanceof ReadOutcome.Value)) {
      throw new IllegalStateException("a read failed: " + outcome);
    }
    return (cluster.world.nanoTime() - begun) / 1e6;
  }

  static List<Key> write(SimCluster cluster) {
    var keys = new ArrayList<Key>();
    for (int i = 0; keys.size() < KEYS; i++) {
      Key key = Key.of("n/" + i);
      var homes = cluster.node(READER).homesOf(key);
      if (homes.home().equals(HOME) && BACKUP.equals(homes.backup())) {
        SimReads.write(cluster, HOME, key, "x".repeat(100));
        keys.add(key);
      }
    }
    cluster.world.runFor(Duration.ofSeconds(3));
    return keys;
  }

  private static void link(SimCluster cluster, RegionName one, RegionName other, double ms) {
    var link = SimLink.perfect(Duration.ofNanos((long) (ms * 1e6)));
    cluster.network.link(one.name(), other.name(), link);
    cluster.network.link(other.name(), one.name(), link);
  }
}
