package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Deletions over regions: forgotten once all have them, and never before. */
final class ForgottenDeletesTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Key KEY = Key.of("n/1");
  private static final Duration LONG = Duration.ofMinutes(3);

  private static SimCluster cluster(long seed) {
    return cluster(seed, 1 << 16, CompactionConfig.DEFAULT);
  }

  private static SimCluster cluster(long seed, long segmentBytes, CompactionConfig compaction) {
    var cluster = new SimCluster(seed, segmentBytes, "ap", "eu", "us");
    cluster.compaction = compaction;
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    return cluster;
  }

  private static void write(SimCluster cluster, RegionName in, @Nullable String value) {
    write(cluster, in, KEY, value);
  }

  private static void write(SimCluster cluster, RegionName in, Key key, @Nullable String value) {
    Bytes payload = value == null ? null : Bytes.utf8(value);
    var writing = cluster.node(in).write(key, payload, Header.NEVER, Precondition.NONE);
    cluster.world.runUntil("a write", writing::isDone, LONG);
    writing.join();
  }

  private static void assertForgottenEverywhere(SimCluster cluster) {
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().header(KEY)).as("in %s", region).isNull();
      assertThat(cluster.node(region).store().stats().tombstones()).isZero();
    }
  }

  @Test
  void whatAllRegionsHaveDeleted_isForgottenInAllOfThem_andCanBeWrittenAnew() {
    var cluster = cluster(1);
    write(cluster, EU, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    write(cluster, US, null);
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster);

    write(cluster, US, "two");
    cluster.world.runUntil("convergence", cluster::isConverged, LONG);
    cluster.world.runFor(LONG);
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().header(KEY)).isNotNull();
    }
  }

  @Test
  void aRegionThatIsAway_isWaitedFor_howeverLong_andBringsNothingBack() {
    var cluster = cluster(2);
    write(cluster, EU, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.stop(US, SimDisk.Loss.NONE);
    write(cluster, EU, null);
    cluster.world.runFor(Duration.ofDays(2));
    assertThat(cluster.node(EU).store().header(KEY)).isNotNull();
    assertThat(cluster.node(EU).store().stats().tombstones()).isEqualTo(1);

    cluster.start(US);
    assertThat(cluster.node(US).store().header(KEY).isTombstone()).as("it still lives").isFalse();
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster);
  }

  @Test
  void aRestart_forgetsWhatWasHeard_andWaitsUntilAllWereHeardAgain() {
    var cluster = cluster(3);
    write(cluster, EU, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.stop(US, SimDisk.Loss.NONE);
    cluster.crash(EU);
    cluster.start(EU);
    write(cluster, EU, null);
    cluster.world.runFor(LONG);
    assertThat(cluster.node(EU).store().header(KEY)).isNotNull();
    cluster.start(US);
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster);
  }

  /** What it got back from one peer it sends nobody: the other has to learn that it lacks it. */
  @Test
  void whatARegionLostAndGotBack_isWaitedForNowhere() {
    var cluster = cluster(5);
    cluster.network.split("eu", "us");
    write(cluster, EU, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(cluster.node(AP).store().header(KEY)).isNotNull();
    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    cluster.start(EU);
    cluster.world.runFor(Duration.ofSeconds(30));
    cluster.network.healAll();
    cluster.world.runFor(LONG);
    write(cluster, EU, null);

    cluster.world.runFor(LONG.multipliedBy(2));
    assertForgottenEverywhere(cluster);
  }

  /** Nobody has the deletion any more, in no journal either: it has to be made anew. */
  @Test
  void aRegionWithADiskFromBeforeTheDeletion_isToldAgain_andNothingNewerIsHurt() {
    var cluster = cluster(4, 1 << 12, new CompactionConfig(32L << 20, 0));
    Key anew = Key.of("n/2");
    write(cluster, EU, "one");
    write(cluster, EU, anew, "old");
    cluster.world.runFor(LONG);
    SimDisk before = cluster.machine(US).disk().copy("us", cluster.world.fork("image"));

    write(cluster, EU, null);
    write(cluster, EU, anew, null);
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster);
    write(cluster, EU, anew, "new");
    // Until compaction has dropped the deletions.
    for (int i = 0; i < 3000; i++) {
      write(cluster, EU, Key.of("other/" + i % 10), "x".repeat(100));
    }
    cluster.world.runFor(LONG);

    cluster.crash(US);
    cluster.machine(US).mount(before);
    cluster.start(US);
    assertThat(cluster.node(US).store().header(KEY)).as("it is there again").isNotNull();
    cluster.world.runFor(LONG.multipliedBy(5));
    assertForgottenEverywhere(cluster);
    for (RegionName region : cluster.regions) {
      var reading = cluster.node(region).read("client", anew);
      cluster.world.runUntil("a read", reading::isDone, LONG);
      assertThat(reading.join())
          .isInstanceOfSatisfying(
              ReadOutcome.Value.class,
              value -> assertThat(value.record().payload()).isEqualTo(Bytes.utf8("new")));
    }
  }

  /** The old value is deleted again, with a stamp that is older than the overwrite's. */
  @Test
  void aRegionWithADiskFromBeforeAnOverwrite_isNotSentIt_ifItWasDeletedSince() {
    var cluster = cluster(6);
    write(cluster, EU, "one");
    cluster.world.runFor(Duration.ofSeconds(5));
    SimDisk before = cluster.machine(AP).disk().copy("ap", cluster.world.fork("image"));
    write(cluster, EU, "two");
    MetadataRecord two = cluster.node(EU).store().read(KEY);
    assertThat(two).isNotNull();
    assertThat(cluster.node(EU).store().wasReplacedByForgotten(two)).isFalse();
    cluster.world.runFor(Duration.ofSeconds(5));
    write(cluster, AP, null);
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster);
    assertThat(cluster.node(EU).store().wasReplacedByForgotten(two)).isTrue();

    cluster.crash(AP);
    // The comparison comes before the changes.
    cluster.node(EU).replicator().pause(AP);
    cluster.machine(AP).mount(before);
    cluster.start(AP);
    assertThat(cluster.node(AP).store().header(KEY)).as("it is there again").isNotNull();
    cluster.world.runUntil(
        "it is deleted again",
        () -> {
          Header known = cluster.node(EU).store().header(KEY);
          return known != null && known.isTombstone();
        },
        LONG);
    cluster.node(EU).replicator().resume(AP);
    cluster.world.runFor(LONG.multipliedBy(5));
    assertForgottenEverywhere(cluster);
  }

  /** One region brings back the first value, which is deleted again, and another the second. */
  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23, 24, 25, 26})
  void twoRegionsWithDisksFromBeforeTheDeletion_doNotBringTheKeyBack(long seed) {
    var cluster = cluster(seed);
    write(cluster, EU, "one");
    cluster.world.runFor(Duration.ofSeconds(5));
    SimDisk ofAp = cluster.machine(AP).disk().copy("ap", cluster.world.fork("first"));
    write(cluster, EU, "two");
    cluster.world.runFor(Duration.ofSeconds(5));
    SimDisk ofUs = cluster.machine(US).disk().copy("us", cluster.world.fork("second"));
    write(cluster, AP, null);
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster);

    cluster.crash(AP);
    cluster.crash(US);
    cluster.world.runFor(Duration.ofMinutes(1));
    cluster.machine(AP).mount(ofAp);
    cluster.machine(US).mount(ofUs);
    cluster.start(AP);
    cluster.world.runFor(Duration.ofSeconds(20));
    cluster.start(US);
    assertThat(cluster.node(US).store().header(KEY)).as("it is there again").isNotNull();
    cluster.world.runFor(LONG.multipliedBy(10));
    assertForgottenEverywhere(cluster);
  }
}
