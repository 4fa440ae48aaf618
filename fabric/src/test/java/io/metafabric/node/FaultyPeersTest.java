package io.metafabric.node;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimDisk.Operation;
import io.metafabric.core.sim.SimFault;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole nodes beside peers that are slow or come and go, and on a disk that is full. */
class FaultyPeersTest {
  private static final int VALUE_BYTES = 4096;
  private static final long WINDOW_BYTES = 16 << 20;

  private static CompletableFuture<MetadataRecord> put(SimCluster cluster, String region, int i) {
    return cluster
        .node(new RegionName(region))
        .write(Key.of("n/" + i), value(i), Header.NEVER, Precondition.NONE);
  }

  private static Bytes value(int i) {
    byte[] bytes = new byte[VALUE_BYTES];
    bytes[0] = (byte) i;
    return Bytes.copyOf(bytes);
  }

  private static PeerStats peer(SimCluster cluster, String region, String of) {
    return cluster.node(new RegionName(region)).stats().replication().peers().stream()
        .filter(each -> each.region().name().equals(of))
        .findFirst()
        .orElseThrow();
  }

  /** Nothing that is awaited here needs the peer: all of it is done before one message could be. */
  private static void writeAndRead(SimCluster cluster, int from, int to) {
    var written = new ArrayList<CompletableFuture<MetadataRecord>>();
    for (int i = from; i < to; i++) {
      written.add(put(cluster, "eu", i));
    }
    cluster.world.runUntil(
        "local writes",
        () -> written.stream().allMatch(CompletableFuture::isDone),
        Duration.ofMillis(100));
    written.forEach(CompletableFuture::join);
    for (int i = from; i < to; i++) {
      MetadataRecord read = cluster.node(new RegionName("eu")).store().read(Key.of("n/" + i));
      assertThat(read).isNotNull();
      assertThat(read.payload()).isEqualTo(value(i));
    }
  }

  @Test
  void aPeerThatStopsAnswering_getsNoMoreThanAWindow_andEverythingOnceItIsBack() {
    var cluster = new SimCluster(3, 1 << 20, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(200)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    cluster.network.cut("us", "eu");

    for (int i = 0; i < 6000; i += 100) {
      writeAndRead(cluster, i, i + 100);
      cluster.world.runFor(Duration.ofMillis(50));
      assertThat(peer(cluster, "eu", "us").inFlightBytes())
          .as("more than a window and its last batch is under way")
          .isLessThanOrEqualTo(WINDOW_BYTES + (256 << 10));
    }
    assertThat(peer(cluster, "eu", "us").pendingChanges()).isEqualTo(6000);

    cluster.network.healAll();
    cluster.world.runUntil(
        "convergence",
        () -> peer(cluster, "eu", "us").pendingChanges() == 0 && cluster.isConverged(),
        Duration.ofMinutes(5));
    assertThat(cluster.allKeys()).hasSize(6000);
    assertThat(cluster.payloadsAreHome()).isTrue();
  }

  /** What waits for round trips instead would take a hundred times as long. */
  @Test
  void catchingUpAfterAnOutage_isLimitedByTheLinksRate_notByRoundTrips() {
    long bytesPerSecond = 10 << 20;
    var cluster = new SimCluster(5, 1 << 20, "eu", "us");
    cluster.network.window(8 << 20);
    cluster.network.defaultLink(SimLink.throttled(Duration.ofMillis(100), bytesPerSecond));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    cluster.network.breakConnections("eu", "us");
    cluster.network.split("eu", "us");
    int records = 10_000;
    for (int i = 0; i < records; i += 100) {
      writeAndRead(cluster, i, i + 100);
    }
    cluster.network.healAll();
    cluster.world.runUntil(
        "the first changes",
        () -> peer(cluster, "eu", "us").pendingChanges() < records,
        Duration.ofSeconds(30));
    long begun = cluster.world.nanoTime();
    long before = peer(cluster, "eu", "us").pendingChanges();
    cluster.world.runUntil(
        "all changes",
        () -> peer(cluster, "eu", "us").pendingChanges() == 0,
        Duration.ofSeconds(30));
    double seconds = (cluster.world.nanoTime() - begun) / 1e9;
    double rate = before * (double) VALUE_BYTES / seconds;
    assertThat(rate / bytesPerSecond)
        .as("share of the link that payloads took, round trip 200 ms, in %.2f s", seconds)
        .isBetween(0.85, 1.0);
    assertThat(cluster.isConverged()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void aPeerThatComesAndGoes_isDialledWithPauses_andCatchesUp(long seed) {
    var cluster = new SimCluster(seed, 1 << 20, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    var random = cluster.world.fork("flapping");
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; i < 60; i++) {
      writeAndRead(cluster, 10 * i, 10 * i + 10);
      if (random.nextBoolean()) {
        cluster.network.breakConnections("eu", "us");
      }
      cluster.world.runFor(Duration.ofMillis(random.nextInt(1000)));
      assertThat(peer(cluster, "eu", "us").inFlightBytes())
          .as(cluster.world.describe("the backlog is bounded"))
          .isLessThanOrEqualTo(WINDOW_BYTES + (256 << 10));
    }
    assertThat(peer(cluster, "eu", "us").connects())
        .as(cluster.world.describe("it was dialled again, and not in a tight loop"))
        .isBetween(5L, 61L);

    cluster.world.runUntil(
        "convergence",
        () -> peer(cluster, "eu", "us").pendingChanges() == 0 && cluster.isConverged(),
        Duration.ofMinutes(1));
    assertThat(cluster.allKeys()).hasSize(600);
  }

  @Test
  void aKeyThatTheIndexHasNoRoomFor_isReadFromAfarEachTime_andComesOnceThereIsRoom() {
    var cluster = new SimCluster(6, 1 << 20, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    RegionName eu = new RegionName("eu");
    RegionName us = new RegionName("us");
    cluster.start(us);
    cluster.maxIndexBytes = 0;
    cluster.start(eu);
    cluster.world.runFor(Duration.ofSeconds(5));
    Key key = keyWithHomes(cluster.node(eu), "us", "eu");
    var written = cluster.node(us).write(key, value(7), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(written).isCompleted();
    for (int i = 0; i < 2; i++) {
      assertThat(read(cluster, eu, key))
          .isInstanceOfSatisfying(
              ReadOutcome.Value.class,
              read -> assertThat(read.record().payload()).isEqualTo(value(7)));
      assertThat(cluster.node(eu).store().header(key)).as("refused").isNull();
    }
    assertThat(peer(cluster, "us", "eu").pendingChanges()).isEqualTo(1);

    cluster.crash(eu);
    cluster.maxIndexBytes = 64 << 20;
    cluster.start(eu);
    cluster.world.runUntil(
        "the change", () -> cluster.node(eu).store().holdsPayload(key), Duration.ofMinutes(1));
  }

  @Test
  void aBackupDeniesAKey_onlyOnceItHadAllThatTheHomeHad() {
    var cluster = new SimCluster(4, 1 << 20, "ap", "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    RegionName us = new RegionName("us");
    RegionName ap = new RegionName("ap");
    cluster.start(us);
    Key key = keyWithHomes(cluster.node(us), "eu", "us");
    assertThat(read(cluster, us, key)).isInstanceOf(ReadOutcome.Unreachable.class);
    cluster.start(ap);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(read(cluster, ap, key)).isInstanceOf(ReadOutcome.Unreachable.class);

    cluster.start(new RegionName("eu"));
    cluster.world.runUntil(
        "in sync",
        () -> peer(cluster, "us", "eu").state() == PeerState.IN_SYNC,
        Duration.ofMinutes(1));
    cluster.network.cut("eu", "us");
    cluster.network.cut("eu", "ap");
    cluster.world.runFor(Duration.ofSeconds(20));

    assertThat(peer(cluster, "us", "eu").state()).isNotEqualTo(PeerState.IN_SYNC);
    assertThat(read(cluster, us, key)).isEqualTo(new ReadOutcome.Absent(false));
    assertThat(read(cluster, ap, key)).isEqualTo(new ReadOutcome.Absent(false));
  }

  private static Key keyWithHomes(FabricNode<?> node, String home, String backup) {
    for (int i = 0; ; i++) {
      Key key = Key.of("n/" + i);
      Homes homes = node.homesOf(key);
      if (homes.home().name().equals(home) && homes.include(new RegionName(backup))) {
        return key;
      }
    }
  }

  private static ReadOutcome read(SimCluster cluster, RegionName in, Key key) {
    CompletableFuture<ReadOutcome> reading = cluster.node(in).read(null, key);
    cluster.world.runUntil("an answer", reading::isDone, Duration.ofMinutes(1));
    return reading.join();
  }

  @Test
  void aFullDisk_refusesWrites_keepsReadsAndWhatWasAcknowledged_andGoesOnOnceThereIsRoom() {
    var cluster = new SimCluster(4, 1 << 20, "eu");
    cluster.startAll();
    var eu = new RegionName("eu");
    writeAndRead(cluster, 0, 50);
    var disk = cluster.machine(eu).disk();
    // What room was made in advance is used up first.
    disk.setCapacityBytes(disk.usedBytes() + VALUE_BYTES / 2);
    for (int i = 1000; i < 1100; i++) {
      put(cluster, "eu", i);
      cluster.world.runFor(Duration.ofMillis(100));
    }
    int filled = cluster.allKeys().size();
    assertThat(filled).isBetween(50, 149);

    for (int i = 50; i < 55; i++) {
      CompletableFuture<MetadataRecord> refused = put(cluster, "eu", i);
      cluster.world.runFor(Duration.ofMillis(100));
      assertThatThrownBy(refused::join)
          .isInstanceOf(CompletionException.class)
          .cause()
          .isInstanceOf(StorageFullException.class)
          .hasMessageContaining("eu");
      assertThat(cluster.node(eu).store().header(Key.of("n/" + i))).isNull();
    }
    for (int i = 0; i < 50; i++) {
      assertThat(cluster.node(eu).store().read(Key.of("n/" + i))).isNotNull();
    }

    disk.setCapacityBytes(Long.MAX_VALUE);
    writeAndRead(cluster, 55, 60);
    cluster.crash(eu);
    cluster.start(eu);
    assertThat(cluster.allKeys()).hasSize(filled + 5);
    for (int i = 0; i < 60; i++) {
      if (i < 50 || i >= 55) {
        MetadataRecord read = cluster.node(eu).store().read(Key.of("n/" + i));
        assertThat(read).as("record " + i).isNotNull();
        assertThat(read.payload()).isEqualTo(value(i));
      }
    }
  }

  /**
   * A large change that does not fit is followed by small ones that do, before the receiver knows
   * that the large one failed.
   */
  @ParameterizedTest
  @ValueSource(longs = {2, 3, 6, 7, 10, 11, 14, 15})
  void aPeerWhoseDiskWasFull_hasEverythingInTheEnd_andIsNotFloodedUntilThen(long seed) {
    var cluster = new SimCluster(seed, 16 << 10, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(5)));
    cluster.world.jitter(Duration.ofMillis(seed % 4 == 2 ? 15 : 40));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    var disk = cluster.machine(new RegionName("us")).disk();
    disk.setCapacityBytes(disk.usedBytes() + 20_000);
    var pause = Duration.ofMillis(List.of(1, 4, 12).get((int) (seed % 3)));
    for (int i = 0; i < 6; i++) {
      write(cluster, "big/" + i, new byte[50_000]);
      cluster.world.runFor(pause);
      write(cluster, "small/" + i, new byte[1]);
      cluster.world.runFor(pause);
    }
    cluster.world.runFor(Duration.ofSeconds(20));
    assertThat(cluster.isConverged())
        .as(cluster.world.describe("the disk must have been full"))
        .isFalse();
    assertThat(peer(cluster, "eu", "us").pendingChanges()).isPositive();
    assertThat(peer(cluster, "eu", "us").resends())
        .as(cluster.world.describe("sent again with pauses"))
        .isLessThan(40);

    disk.setCapacityBytes(Long.MAX_VALUE);
    cluster.world.runUntil(
        "convergence",
        () -> cluster.isConverged() && peer(cluster, "eu", "us").state() == PeerState.IN_SYNC,
        Duration.ofMinutes(1));
    assertThat(cluster.allKeys()).hasSize(12);
  }

  private static SimCluster pairInSync() {
    var cluster = new SimCluster(6, 1 << 20, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(20)));
    cluster.startAll();
    cluster.world.runUntil(
        "in sync",
        () -> peer(cluster, "eu", "us").state() == PeerState.IN_SYNC,
        Duration.ofMinutes(1));
    return cluster;
  }

  @Test
  void aJournalThatCannotBeReadForAWhile_isTold_andTheLinkGoesOnAfterwards() {
    SimCluster cluster = pairInSync();
    SimFault fault =
        cluster.machine(new RegionName("eu")).disk().failAll(Operation.READ, file -> true);
    for (int i = 0; i < 20; i++) {
      write(cluster, "n/" + i, new byte[10]);
      cluster.world.runFor(Duration.ofMillis(100));
    }
    assertThat(fault.hits()).isPositive();
    assertThat(peer(cluster, "eu", "us").state()).isEqualTo(PeerState.CATCHING_UP);
    assertThat(peer(cluster, "eu", "us").problem()).contains("cannot be read");
    assertThat(peer(cluster, "eu", "us").pendingChanges()).isEqualTo(20);
    cluster.world.runFor(Duration.ofSeconds(20));
    assertThat(peer(cluster, "us", "eu").state())
        .as("the peer hears that it has not everything")
        .isEqualTo(PeerState.CATCHING_UP);

    fault.end();
    cluster.world.runUntil(
        "convergence",
        () -> cluster.isConverged() && peer(cluster, "us", "eu").state() == PeerState.IN_SYNC,
        Duration.ofSeconds(10));
    assertThat(cluster.allKeys()).hasSize(20);
    assertThat(peer(cluster, "eu", "us").problem()).isNull();
    assertThat(peer(cluster, "eu", "us").connects()).as("it was never cut off").isEqualTo(1);
  }

  @Test
  void aDamagedRecord_stopsNothingButWhatIsBehindIt_andIsToldForAsLongAsItIsThere() {
    SimCluster cluster = pairInSync();
    var us = new RegionName("us");
    cluster.crash(us);
    for (int i = 0; i < 20; i++) {
      write(cluster, "n/" + i, ("value " + i + ".").getBytes(UTF_8));
      cluster.world.runFor(Duration.ofMillis(100));
    }
    SimDisk disk = cluster.machine(new RegionName("eu")).disk();
    String file =
        disk.list().stream().filter(name -> name.endsWith(".log")).findFirst().orElseThrow();
    int at = new String(disk.contentOf(file), ISO_8859_1).indexOf("value 10.");
    disk.damage(file, at);
    cluster.start(us);
    long connects = peer(cluster, "eu", "us").connects();
    for (int i = 20; i < 30; i++) {
      write(cluster, "n/" + i, new byte[1]);
      cluster.world.runFor(Duration.ofSeconds(2));
    }
    for (int i = 0; i < 30; i++) {
      Header there = cluster.node(us).store().header(Key.of("n/" + i));
      assertThat(there != null).as("record " + i + " is there").isEqualTo(i < 10);
    }
    PeerStats stopped = peer(cluster, "eu", "us");
    assertThat(stopped.state()).isEqualTo(PeerState.CATCHING_UP);
    assertThat(stopped.connects() - connects).as("the connection stays").isEqualTo(1);
    assertThat(stopped.problem())
        .contains("changes for us cannot be read")
        .contains(file)
        .contains("offset")
        .contains("restore the directory from a backup");
    assertThat(peer(cluster, "us", "eu").state()).isEqualTo(PeerState.CATCHING_UP);

    CompletableFuture<MetadataRecord> back = put(cluster, "us", 100);
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(back).isCompleted();
    assertThat(cluster.node(new RegionName("eu")).store().holdsPayload(Key.of("n/100"))).isTrue();

    disk.damage(file, at); // every bit once more: it is whole again
    cluster.world.runUntil("convergence", cluster::isConverged, Duration.ofSeconds(10));
    assertThat(cluster.allKeys()).hasSize(31);
    assertThat(peer(cluster, "eu", "us").problem()).isNull();
  }

  @Test
  void aDamagedHeaderAtTheReceiver_isToldThere_forAsLongAsItIsThere() {
    SimCluster cluster = pairInSync();
    var us = new RegionName("us");
    write(cluster, "n/1", "it will rot".getBytes(UTF_8));
    cluster.world.runFor(Duration.ofSeconds(2));
    // What it published of late, it has in memory.
    cluster.crash(us);
    cluster.start(us);
    cluster.world.runFor(Duration.ofSeconds(5));
    SimDisk disk = cluster.machine(us).disk();
    String file =
        disk.list().stream().filter(name -> name.endsWith(".log")).findFirst().orElseThrow();
    int at = new String(disk.contentOf(file), ISO_8859_1).indexOf("it will rot");
    disk.damage(file, at);

    write(cluster, "n/1", new byte[1]);
    write(cluster, "n/2", new byte[1]);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(cluster.node(us).store().header(Key.of("n/2"))).as("it is behind it").isNull();
    assertThat(peer(cluster, "us", "eu").problem())
        .contains("changes from eu cannot be taken")
        .contains(file);
    assertThat(cluster.node(us).stats().replication().batchesRefused()).isPositive();
    assertThat(peer(cluster, "eu", "us").pendingChanges()).isEqualTo(2);

    disk.damage(file, at); // every bit once more: it is whole again
    cluster.world.runUntil("convergence", cluster::isConverged, Duration.ofMinutes(1));
    assertThat(peer(cluster, "us", "eu").problem()).isNull();
  }

  @Test
  void writesOfAnEarlierOpening_arePendingToo_onceThePeerHasSaidWhatItHas() {
    SimCluster cluster = pairInSync();
    var eu = new RegionName("eu");
    writeAndRead(cluster, 0, 5);
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.crash(new RegionName("us"));
    writeAndRead(cluster, 5, 8);
    cluster.crash(eu);
    cluster.start(eu);
    writeAndRead(cluster, 8, 10);
    assertThat(peer(cluster, "eu", "us").pendingChanges())
        .as("nobody knows yet what the peer has of earlier ones")
        .isEqualTo(2);

    cluster.start(new RegionName("us"));
    cluster.world.runUntil(
        "a welcome", () -> peer(cluster, "eu", "us").connects() == 1, Duration.ofMinutes(1));
    assertThat(peer(cluster, "eu", "us").pendingChanges()).isEqualTo(5);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(peer(cluster, "eu", "us").pendingChanges()).isZero();
    assertThat(cluster.isConverged()).isTrue();
  }

  @Test
  void aDamagedPayloadAtTheHome_isFetchedFromTheBackup() {
    var cluster = new SimCluster(8, 1 << 20, "ap", "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(20)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    var eu = new RegionName("eu");
    var ap = new RegionName("ap");
    Key key = keyWithHomes(cluster.node(eu), "eu", "us");
    write(cluster, key.path(), "it will rot".getBytes(UTF_8));
    cluster.world.runFor(Duration.ofSeconds(2));
    SimDisk disk = cluster.machine(eu).disk();
    String file =
        disk.list().stream().filter(name -> name.endsWith(".log")).findFirst().orElseThrow();
    disk.damage(file, new String(disk.contentOf(file), ISO_8859_1).indexOf("it will rot"));

    assertThat(read(cluster, ap, key))
        .isInstanceOfSatisfying(
            ReadOutcome.Value.class,
            value -> assertThat(value.record().payload()).isEqualTo(Bytes.utf8("it will rot")));
    assertThat(peer(cluster, "ap", "eu").connects()).as("it was not cut off").isEqualTo(1);
  }

  private static void write(SimCluster cluster, String key, byte[] value) {
    cluster
        .node(new RegionName("eu"))
        .write(Key.of(key), Bytes.copyOf(value), Header.NEVER, Precondition.NONE);
  }
}
