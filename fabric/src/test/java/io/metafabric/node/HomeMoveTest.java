package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.migrate.MovedHomes;
import io.metafabric.replicate.HomeMoves;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Homes that move, in whole regions on one thread in virtual time. */
final class HomeMoveTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static SimCluster cluster(long seed) {
    var cluster = new SimCluster(seed, 1 << 16, "ap", "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    return cluster;
  }

  private static Key keyWithHomes(SimCluster cluster, RegionName home, RegionName backup) {
    for (int i = 0; ; i++) {
      Key key = Key.of("n/" + i);
      if (cluster.node(home).homesOf(key).equals(new Homes(home, backup))) {
        return key;
      }
    }
  }

  private static MetadataRecord write(SimCluster cluster, RegionName in, Key key, String value) {
    var writing = cluster.node(in).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE);
    cluster.world.runUntil("a write", writing::isDone, PATIENCE);
    return writing.join();
  }

  private static @Nullable String read(SimCluster cluster, RegionName in, Key key) {
    CompletableFuture<ReadOutcome> reading = cluster.node(in).read(null, key);
    cluster.world.runUntil("a read", reading::isDone, PATIENCE);
    return reading.join() instanceof ReadOutcome.Value value && value.record().payload() != null
        ? value.record().payload().toUtf8()
        : null;
  }

  private static HomeMoves.Result move(SimCluster cluster, RegionName by, Key key, RegionName to) {
    CompletableFuture<HomeMoves.Result> moving = cluster.node(by).moveHome(key, to);
    cluster.world.runUntil("a move", moving::isDone, PATIENCE);
    return moving.join();
  }

  private static void runUntilAllSay(SimCluster cluster, Key key, Homes homes) {
    cluster.world.runUntil(
        "all regions know the home",
        () -> cluster.regions.stream().allMatch(r -> cluster.node(r).homesOf(key).equals(homes)),
        PATIENCE);
  }

  @Test
  void aHomeThatMoves_isTheSameInAllRegions_andTheOldOneIsTheBackup() {
    var cluster = cluster(1);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "one");

    assertThat(move(cluster, EU, key, US)).isEqualTo(HomeMoves.Result.DONE);
    runUntilAllSay(cluster, key, new Homes(US, EU));
    assertThat(cluster.node(US).store().holdsPayload(key)).isTrue();
    assertThat(cluster.node(EU).store().holdsPayload(key)).isTrue();
  }

  @Test
  void anyRegionMayAsk_andTheHomeCommits() {
    var cluster = cluster(2);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, US, key, "one");
    cluster.world.runFor(Duration.ofSeconds(1));

    assertThat(move(cluster, US, key, AP)).isEqualTo(HomeMoves.Result.DONE);
    runUntilAllSay(cluster, key, new Homes(AP, EU));
    assertThat(move(cluster, EU, key, EU)).isEqualTo(HomeMoves.Result.DONE);
    runUntilAllSay(cluster, key, new Homes(EU, AP));
    MetadataRecord record = cluster.node(US).store().systemRecord(MovedHomes.recordOf(key));
    assertThat(record).isNotNull();
    assertThat(record.header().writtenIn()).isEqualTo(AP);
    assertThat(record.header().version().stamp()).isEqualTo(MovedHomes.stampOf(2));
  }

  @Test
  void readsAndWritesSucceedInEveryRegion_whileTheHomeMoves() {
    var cluster = cluster(3);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "0");
    cluster.world.runFor(Duration.ofSeconds(1));

    CompletableFuture<HomeMoves.Result> moving = cluster.node(AP).moveHome(key, US);
    int during = 0;
    for (int i = 1; i <= 60; i++) {
      during += moving.isDone() ? 0 : 1;
      RegionName writer = cluster.regions.get(i % 3);
      write(cluster, writer, key, "" + i);
      assertThat(read(cluster, writer, key)).as("its own write %d", i).isEqualTo("" + i);
      for (RegionName reader : cluster.regions) {
        assertThat(read(cluster, reader, key)).as("%s reads", reader).isNotNull();
      }
      cluster.world.runFor(Duration.ofMillis(3));
    }
    assertThat(during).as("accesses during the move").isGreaterThan(3);
    assertThat(moving.join()).isEqualTo(HomeMoves.Result.DONE);
    cluster.world.runUntil("convergence", cluster::isConverged, PATIENCE);
    cluster.world.runUntil("payloads at home", cluster::payloadsAreHome, PATIENCE);
    assertThat(read(cluster, US, key)).isEqualTo("60");
  }

  @Test
  void aMoveOutlivesCrashesAndStops_andTheHintOfAStopInOrder() {
    var cluster = cluster(4);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "one");
    assertThat(move(cluster, EU, key, US)).isEqualTo(HomeMoves.Result.DONE);
    // Nothing may have left the old home yet: it was synced before anybody heard of it.
    cluster.crash(EU);
    cluster.start(EU);
    assertThat(cluster.node(EU).homesOf(key)).isEqualTo(new Homes(US, EU));
    runUntilAllSay(cluster, key, new Homes(US, EU));
    for (RegionName region : cluster.regions) {
      cluster.stop(region);
      cluster.start(region);
      assertThat(cluster.node(region).homesOf(key)).isEqualTo(new Homes(US, EU));
    }
  }

  @Test
  void whatCannotMove_saysWhy_andChangesNothing() {
    var cluster = cluster(5);
    Key key = keyWithHomes(cluster, EU, AP);
    assertThat(move(cluster, EU, key, US).outcome()).isEqualTo(MoveOutcome.NOT_FOUND);
    write(cluster, EU, key, "one");
    HomeMoves.Result toNobody = move(cluster, EU, key, new RegionName("mars"));
    assertThat(toNobody.outcome()).isEqualTo(MoveOutcome.REFUSED);
    assertThat(toNobody.message()).contains("mars");

    cluster.network.split("us", "eu");
    cluster.network.split("us", "ap");
    assertThat(move(cluster, EU, key, US).outcome()).isEqualTo(MoveOutcome.UNREACHABLE);
    cluster.network.healAll();
    cluster.world.runFor(Duration.ofSeconds(20));
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).homesOf(key)).isEqualTo(new Homes(EU, AP));
      assertThat(cluster.node(region).store().systemRecords()).isEmpty();
    }
  }

  /** The home may still do it once the network delivers the wish. */
  @Test
  void whoCannotReachTheHome_isToldSo() {
    var cluster = cluster(7);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "one");
    cluster.network.split("us", "eu");
    assertThat(move(cluster, US, key, AP).outcome()).isEqualTo(MoveOutcome.UNREACHABLE);
  }

  @Test
  void aWriterThatDoesNotKnowOfTheMove_sendsElsewhere_andTheNewHomeGetsThePayloadAllTheSame() {
    var cluster = cluster(6);
    Key key = keyWithHomes(cluster, EU, US);
    write(cluster, EU, key, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.network.cut("eu", "us");
    assertThat(move(cluster, EU, key, AP)).isEqualTo(HomeMoves.Result.DONE);
    write(cluster, US, key, "two");
    cluster.world.runUntil(
        "the new home has the payload of the newest",
        () -> {
          MetadataRecord held = cluster.node(AP).store().read(key);
          return held != null && held.payload() != null && held.payload().toUtf8().equals("two");
        },
        PATIENCE);
    assertThat(cluster.node(US).homesOf(key)).as("it still knows").isEqualTo(new Homes(EU, US));
    cluster.network.healAll();
    runUntilAllSay(cluster, key, new Homes(AP, EU));
    cluster.world.runUntil("payloads at home", cluster::payloadsAreHome, PATIENCE);
  }

  /** The region that knows of the move is away, for longer than anybody waits for its word. */
  @Test
  void aHomeThatLostItsDisk_doesNotMoveAKeyAgain_beforeItHasHeardFromAll() {
    var cluster = cluster(7);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.stop(AP, SimDisk.Loss.NONE);
    assertThat(move(cluster, EU, key, US)).isEqualTo(HomeMoves.Result.DONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(cluster.node(US).homesOf(key)).isEqualTo(new Homes(US, EU));

    empty(cluster, EU);
    cluster.network.split("us", "ap");
    cluster.network.split("us", "eu");
    cluster.start(AP);
    cluster.start(EU);
    cluster.world.runFor(Duration.ofSeconds(30));
    HomeMoves.Result again = move(cluster, EU, key, AP);
    assertThat(again.outcome()).isEqualTo(MoveOutcome.REFUSED);
    assertThat(again.message()).contains("has not heard from all members");

    cluster.network.healAll();
    runUntilAllSay(cluster, key, new Homes(US, EU));
    assertThat(move(cluster, EU, key, AP)).isEqualTo(HomeMoves.Result.DONE);
    runUntilAllSay(cluster, key, new Homes(AP, US));
  }

  /** The disks that had the payload are damaged; who has seen that of the move before is not. */
  @Test
  void aMoveOfWhichTheHeaderAloneIsLeft_isTheHomeInAllRegions_alsoAfterARestart() {
    var cluster = cluster(8);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "one");
    assertThat(move(cluster, EU, key, US)).isEqualTo(HomeMoves.Result.DONE);
    runUntilAllSay(cluster, key, new Homes(US, EU));
    cluster.crash(AP);
    assertThat(move(cluster, US, key, EU)).isEqualTo(HomeMoves.Result.DONE);
    var moved = cluster.node(US).store().systemRecord(MovedHomes.recordOf(key));
    assertThat(moved).isNotNull();
    cluster.crash(US);
    cluster.crash(EU);

    cluster.start(AP);
    var header = new MetadataRecord(moved.key(), moved.header(), null);
    var applied = cluster.node(AP).store().applyOne(new Inbound(header, true));
    cluster.world.runUntil("the header", applied::isDone, PATIENCE);
    assertThat(applied.join()).isTrue();
    var expected = new MovedHomes.Moved(new Homes(EU, US), 2);
    assertThat(cluster.node(AP).movedHome(key)).isEqualTo(expected);
    cluster.crash(AP);
    cluster.start(AP);
    assertThat(cluster.node(AP).movedHome(key)).as("after a restart").isEqualTo(expected);
  }

  /** Nobody knows of the first move when the second is made, and then a disk that does is back. */
  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23, 24})
  void twoHomesOfOneEpoch_becomeOneInAllRegions(long seed) {
    var cluster = cluster(seed);
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.stop(AP, SimDisk.Loss.NONE);
    assertThat(move(cluster, EU, key, US)).isEqualTo(HomeMoves.Result.DONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    SimDisk knows = cluster.machine(US).disk().copy("us", cluster.world.fork("image"));
    empty(cluster, EU);
    empty(cluster, US);
    cluster.regions.forEach(cluster::start);
    cluster.world.runFor(Duration.ofSeconds(30));
    assertThat(move(cluster, EU, key, AP)).isEqualTo(HomeMoves.Result.DONE);
    runUntilAllSay(cluster, key, new Homes(AP, EU));

    cluster.crash(US);
    cluster.machine(US).mount(knows);
    cluster.start(US);
    assertThat(cluster.node(US).movedHome(key))
        .isEqualTo(new MovedHomes.Moved(new Homes(US, EU), 1));
    cluster.world.runUntil("convergence", cluster::isConverged, PATIENCE);
    Homes agreed = cluster.node(EU).homesOf(key);
    assertThat(agreed.home()).isIn(AP, US);
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).movedHome(key))
          .as("in %s", region)
          .isEqualTo(new MovedHomes.Moved(agreed, 1));
    }
  }

  private static void empty(SimCluster cluster, RegionName region) {
    cluster.crash(region);
    cluster.replaceFiles(region, Map.of());
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void underFaults_thereIsAtMostOneHomePerKeyAndEpoch_andAllAgreeInTheEnd(long seed) {
    var cluster = cluster(seed);
    RandomGenerator random = cluster.world.fork("moves");
    var keys = new ArrayList<Key>();
    for (int i = 0; i < 6; i++) {
      keys.add(Key.of("n/" + i));
      write(cluster, EU, keys.get(i), "0");
    }
    Map<String, Homes> homeAtEpoch = new HashMap<>();
    var moves = new ArrayList<CompletableFuture<HomeMoves.Result>>();
    for (int step = 0; step < 300; step++) {
      RegionName region = cluster.regions.get(random.nextInt(3));
      Key key = keys.get(random.nextInt(keys.size()));
      int what = random.nextInt(100);
      if (what < 45 && cluster.isUp(region)) {
        moves.add(cluster.node(region).moveHome(key, cluster.regions.get(random.nextInt(3))));
      } else if (what < 80 && cluster.isUp(region)) {
        cluster.node(region).write(key, Bytes.utf8("" + step), Header.NEVER, Precondition.NONE);
      } else if (what < 84) {
        RegionName other = cluster.regions.get(random.nextInt(3));
        if (!other.equals(region)) {
          cluster.network.cut(region.name(), other.name());
        }
      } else if (what < 90) {
        cluster.network.healAll();
      } else if (what < 93 && cluster.isUp(region)) {
        cluster.crash(region);
      } else if (!cluster.isUp(region)) {
        cluster.start(region);
      }
      cluster.world.runFor(Duration.ofMillis(random.nextInt(400)));
      remember(cluster, keys, homeAtEpoch);
    }
    cluster.network.healAll();
    cluster.regions.stream().filter(r -> !cluster.isUp(r)).forEach(cluster::start);
    cluster.world.runUntil("convergence", cluster::isConverged, PATIENCE);
    cluster.world.runUntil("payloads at home", cluster::payloadsAreHome, PATIENCE);
    remember(cluster, keys, homeAtEpoch);
    for (Key key : keys) {
      Homes homes = cluster.node(EU).homesOf(key);
      assertThat(cluster.regions)
          .as(cluster.world.describe("all agree on the home of " + key))
          .allMatch(region -> cluster.node(region).homesOf(key).equals(homes));
    }
    assertThat(homeAtEpoch).as(cluster.world.describe("homes moved")).hasSizeGreaterThan(10);
    assertThat(moves.stream().filter(CompletableFuture::isDone).map(CompletableFuture::join))
        .as(cluster.world.describe("moves were made"))
        .contains(HomeMoves.Result.DONE);
  }

  private static void remember(SimCluster cluster, List<Key> keys, Map<String, Homes> known) {
    for (RegionName region : cluster.regions) {
      if (!cluster.isUp(region)) {
        continue;
      }
      for (Key key : keys) {
        MovedHomes.Moved moved = cluster.node(region).movedHome(key);
        Homes before = known.putIfAbsent(key + " " + moved.epoch(), moved.homes());
        assertThat(before == null || before.equals(moved.homes()))
            .as(
                cluster.world.describe(
                    "epoch "
                        + moved.epoch()
                        + " of "
                        + key
                        + ": "
                        + before
                        + " and, in "
                        + region
                        + ", "
                        + moved.homes()))
            .isTrue();
      }
    }
  }
}
