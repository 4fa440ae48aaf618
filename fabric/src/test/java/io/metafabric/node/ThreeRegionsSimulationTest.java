package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Dot;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Three whole regions on one thread in virtual time, with loss, delay, duplication, reordering,
 * partitions and crashes. In every other seed the executors of a node overtake each other, as
 * threads do, and in half of each kind the disks are full from time to time. Every failure names
 * its seed.
 */
class ThreeRegionsSimulationTest {
  private static final int OPERATIONS = 400;
  private static final int KEYS = 40;

  /** A run, and what was acknowledged in it. */
  private static final class Run {
    final SimCluster cluster;
    final RandomGenerator random;
    final Map<Dot, Key> acknowledged = new LinkedHashMap<>();
    final Set<Dot> issued = new HashSet<>();
    private final Set<Key> deleted = new HashSet<>();
    final boolean withFullDisks;
    int refusedByDisk;

    Run(long seed) {
      this(seed, 16 << 10);
    }

    Run(long seed, long segmentBytes) {
      cluster = new SimCluster(seed, segmentBytes, "eu", "us", "ap");
      random = cluster.world.fork("story");
      withFullDisks = seed % 4 >= 2;
      if (seed % 2 == 1) {
        cluster.world.jitter(Duration.ofMillis(1 + random.nextInt(30)));
      }
      cluster.network.defaultLink(
          new SimLink(Duration.ofMillis(40), Duration.ofMillis(120), 0.03, 0.03));
    }

    void go() {
      cluster.startAll();
      for (int i = 0; i < OPERATIONS; i++) {
        cluster.world.runFor(Duration.ofMillis(random.nextInt(100)));
        if (withFullDisks) {
          fillOrFree();
        }
        step();
      }
      quiet();
      if (withFullDisks) {
        assertThat(refusedByDisk)
            .as(cluster.world.describe("a disk must have been full"))
            .isPositive();
      }
    }

    private void fillOrFree() {
      RegionName region = cluster.regions.get(random.nextInt(3));
      SimDisk disk = cluster.machine(region).disk();
      int dice = random.nextInt(100);
      if (dice < 5) {
        cluster.world.trace("the disk of " + region + " is full");
        // So little that a large entry finds no room and a small one behind it does.
        disk.setCapacityBytes(disk.usedBytes() + random.nextInt(200));
      } else if (dice < 15) {
        free(region);
      }
    }

    private void free(RegionName region) {
      cluster.machine(region).disk().setCapacityBytes(Long.MAX_VALUE);
    }

    private void step() {
      RegionName region = cluster.regions.get(random.nextInt(3));
      int dice = random.nextInt(100);
      if (dice < 3 && cluster.isUp(region)) {
        cluster.crash(region);
      } else if (!cluster.isUp(region)) {
        if (dice < 60) {
          // What finds no room for its beginning is not opened.
          free(region);
          cluster.start(region);
        }
      } else if (dice < 6) {
        cluster.network.split("eu", dice % 2 == 0 ? "us" : "ap");
      } else if (dice < 12) {
        cluster.network.healAll();
      } else if (dice < 14) {
        cluster.network.breakConnections("us", "ap");
      } else if (dice < 40) {
        Key key = anyKey();
        var node = cluster.node(region);
        if (node.hit("client", key.path()) == null) {
          node.read("client", key).thenAccept(outcome -> node.finished("client", key, outcome));
        }
      } else {
        write(region, dice);
      }
    }

    private Key anyKey() {
      return Key.of("n/" + random.nextInt(KEYS));
    }

    private void write(RegionName region, int dice) {
      Key key = anyKey();
      String value = "value " + random.nextInt() + " ".repeat(dice < 95 ? 0 : 2000);
      Bytes payload = dice < 50 ? null : Bytes.utf8(value);
      Precondition condition =
          dice < 50 ? Precondition.VISIBLE : dice < 60 ? Precondition.ABSENT : Precondition.NONE;
      cluster
          .node(region)
          .write(key, payload, Header.NEVER, condition)
          .whenComplete(
              (record, failure) -> {
                if (failure instanceof StorageFullException) {
                  refusedByDisk++;
                } else if (record != null) {
                  acknowledge(region, record);
                }
              });
    }

    private void acknowledge(RegionName region, MetadataRecord record) {
      Dot dot = record.header().version().dot();
      cluster.world.trace(region + " wrote " + record.key() + " as " + dot);
      assertThat(issued.add(dot)).as(cluster.world.describe("no dot is issued twice")).isTrue();
      acknowledged.put(dot, record.key());
      if (record.header().isTombstone()) {
        deleted.add(record.key());
      }
    }

    /** All faults end; every region is up. */
    private void quiet() {
      cluster.network.healAll();
      cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
      cluster.regions.forEach(this::free);
      for (RegionName region : cluster.regions) {
        if (!cluster.isUp(region)) {
          cluster.start(region);
        }
      }
      cluster.world.after(Duration.ofSeconds(60), cluster::traceDifferences);
      cluster.world.runUntil(
          "convergence",
          () -> cluster.isConverged() && cluster.payloadsAreHome() && everythingIsCovered(),
          Duration.ofMinutes(2));
      cluster.world.trace("converged");
    }

    /** It was applied, deleted and forgotten; the key may have been written anew since. */
    private boolean wasForgotten(RegionName region, Key key, Dot dot) {
      return deleted.contains(key) && cluster.node(region).store().durablyApplied().contains(dot);
    }

    private boolean everythingIsCovered() {
      for (var each : acknowledged.entrySet()) {
        for (RegionName region : cluster.regions) {
          Header header = cluster.node(region).store().header(each.getValue());
          if ((header == null || !header.version().covers(each.getKey()))
              && !wasForgotten(region, each.getValue(), each.getKey())) {
            return false;
          }
        }
      }
      return true;
    }
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void regionsConverge_andNoAcknowledgedWriteIsLost(long seed) {
    var run = new Run(seed);
    run.go();
    assertThat(run.acknowledged.size())
        .as(run.cluster.world.describe("the run must have done something"))
        .isGreaterThan(100);
  }

  /**
   * Nothing is kept for peers: what they have not read yet is compacted too, and they must still
   * come to the same state from what is left.
   */
  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#few")
  void regionsConverge_whenCompactionDoesNotWaitForThem(long seed) {
    var run = new Run(seed, 4096);
    run.cluster.compaction = new CompactionConfig(32 << 20, 0);
    run.go();
    // Counted on disk: a node's own counters begin anew when it is restarted.
    assertThat(run.cluster.regions)
        .as(run.cluster.world.describe("compaction must have taken part"))
        .anyMatch(region -> run.cluster.hasCompactedSegments(region));
  }

  @Test
  void aRegionThatWasAwayWhileTheOthersCompacted_catchesUp() {
    var cluster = new SimCluster(9, 4096, "eu", "us", "ap");
    cluster.compaction = new CompactionConfig(32 << 20, 0);
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    RegionName ap = cluster.regions.get(2);
    cluster.crash(ap);
    for (int i = 0; i < 2000; i++) {
      RegionName region = cluster.regions.get(i % 2);
      cluster
          .node(region)
          .write(Key.of("n/" + i % 37), Bytes.utf8("value " + i), Header.NEVER, Precondition.NONE);
      if (i % 20 == 0) {
        cluster.world.runFor(Duration.ofMillis(200));
      }
    }
    cluster.world.runFor(Duration.ofSeconds(5));
    var eu = cluster.node(cluster.regions.get(0)).stats().store();
    assertThat(eu.compaction().runs()).isPositive();
    assertThat(eu.journalBytes()).isLessThan(eu.liveBytes() * 3 / 2 + 2 * 4096);

    cluster.start(ap);
    cluster.world.runUntil(
        "convergence",
        () -> cluster.isConverged() && cluster.allKeys().size() == 37 && cluster.payloadsAreHome(),
        Duration.ofMinutes(1));
    cluster.world.runFor(Duration.ofSeconds(5));
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).stats().replication().peers())
          .as("everybody knows that it has everything, in " + region)
          .allMatch(peer -> peer.pendingChanges() == 0);
    }
  }

  @Test
  void theSameSeed_givesTheSameRun() {
    var one = new Run(77);
    one.go();
    var other = new Run(77);
    other.go();
    assertThat(one.cluster.world.traceHash()).isEqualTo(other.cluster.world.traceHash());
    assertThat(one.acknowledged).isEqualTo(other.acknowledged);
  }

  @Test
  void aValueThatIsNotHeldHere_isFetched_andStaysUntilItChanges() {
    var cluster = new SimCluster(5, 16 << 10, "eu", "us", "ap");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    var eu = cluster.node(cluster.regions.get(0));
    Key key = keyWithoutPayloadIn(eu, cluster.regions.get(0));
    var us = cluster.node(cluster.regions.get(1));
    us.write(key, Bytes.utf8("first"), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(eu.store().holdsPayload(key)).isFalse();
    assertThat(eu.hit("c", key.path())).isNull();

    var read = eu.read("c", key);
    assertThat(read).isNotDone();
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(read.join()).isInstanceOf(ReadOutcome.Value.class);
    assertThat(eu.hit("c", key.path())).isNotNull();

    us.write(key, Bytes.utf8("second"), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    Optional<MetadataRecord> shown = eu.hit("c", key.path());
    assertThat(shown).as("the copy was replaced by a push, not only invalidated").isNotNull();
    assertThat(shown.orElseThrow().payload()).isEqualTo(Bytes.utf8("second"));
  }

  private static Key keyWithoutPayloadIn(FabricNode<?> node, RegionName region) {
    for (int i = 0; ; i++) {
      Key key = Key.of("n/" + i);
      if (!node.homesOf(key).include(region)) {
        return key;
      }
    }
  }
}
