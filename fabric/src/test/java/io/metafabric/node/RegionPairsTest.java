package io.metafabric.node;

import static io.metafabric.replicate.PeerState.CATCHING_UP;
import static io.metafabric.replicate.PeerState.IN_SYNC;
import static io.metafabric.replicate.PeerState.OFFLINE;
import static io.metafabric.replicate.PeerState.SUSPECT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimFault;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStats;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What regions know of each other, and what they do for one that is away; in virtual time. */
class RegionPairsTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");

  private final SimCluster cluster = new SimCluster(11, 1 << 20, "ap", "eu", "us");

  RegionPairsTest() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
  }

  private void startInSync() {
    cluster.startAll();
    awaitInSync();
  }

  private void awaitInSync() {
    await(
        "in sync",
        () ->
            cluster.regions.stream()
                .flatMap(region -> cluster.node(region).stats().replication().peers().stream())
                .allMatch(peer -> peer.state() == IN_SYNC && peer.lagMs() == 0));
  }

  private void await(String what, BooleanSupplier condition) {
    cluster.world.runUntil(what, condition, Duration.ofMinutes(2));
  }

  private void pass(Duration time) {
    cluster.world.runFor(time);
  }

  private PeerStats peer(RegionName region, RegionName of) {
    return cluster.node(region).replicator().stats(of);
  }

  private PeerState state(RegionName region, RegionName of) {
    return peer(region, of).state();
  }

  private void write(RegionName region, Key key, String value) {
    CompletableFuture<?> written =
        cluster.node(region).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE);
    await("a local write", written::isDone);
    written.join();
  }

  private ReadOutcome read(RegionName region, Key key) {
    CompletableFuture<ReadOutcome> reading = cluster.node(region).read(null, key);
    await("an answer", reading::isDone);
    return reading.join();
  }

  private static void assertValue(ReadOutcome outcome, String value) {
    assertThat(outcome)
        .isInstanceOfSatisfying(
            ReadOutcome.Value.class,
            read -> assertThat(read.record().payload()).isEqualTo(Bytes.utf8(value)));
  }

  /** The {@code i}th key that eu is the home of and us the backup. */
  private Key key(int i) {
    int found = 0;
    for (int n = 0; ; n++) {
      Key key = Key.of("n/" + n);
      if (cluster.node(AP).homesOf(key).equals(new Homes(EU, US)) && found++ == i) {
        return key;
      }
    }
  }

  /** Its own lag is a round trip, and nobody's absence makes it another. */
  @Test
  void whoKeepsUp_isInSync_howeverLongAnotherIsAway() {
    startInSync();
    cluster.crash(AP);
    for (int i = 0; i < 3 * 1800; i++) {
      cluster
          .node(EU)
          .write(Key.of("n/" + i % 10), Bytes.utf8("v" + i), Header.NEVER, Precondition.NONE);
      pass(Duration.ofSeconds(2));
    }
    pass(Duration.ofMillis(200));
    for (int i = 0; i < 500; i++) {
      cluster
          .node(EU)
          .write(Key.of("n/" + i % 10), Bytes.utf8("w" + i), Header.NEVER, Precondition.NONE);
      pass(Duration.ofMillis(20));
      assertThat(peer(EU, US).lagMs()).isLessThanOrEqualTo(100);
      assertThat(state(EU, US)).isEqualTo(IN_SYNC);
    }
    assertThat(peer(EU, US).pendingChanges()).as("some are always under way").isPositive();
    assertThat(peer(EU, AP).lagMs()).isBetween(3 * 3600_000L - 5000, 3 * 3600_000L + 60_000);
  }

  private Duration timeOf(Runnable action) {
    long before = cluster.world.nanoTime();
    action.run();
    return Duration.ofNanos(cluster.world.nanoTime() - before);
  }

  @Test
  void whileTheHomeIsAway_theBackupAnswersAndAccepts_andAllConvergeWhenItIsBack() {
    startInSync();
    write(EU, key(0), "before");
    pass(Duration.ofSeconds(2));
    cluster.crash(EU);
    assertThat(state(AP, EU)).isEqualTo(IN_SYNC);
    await("lost", () -> state(AP, EU) == OFFLINE && state(US, EU) == OFFLINE);

    Duration took = timeOf(() -> assertValue(read(AP, key(0)), "before"));
    assertThat(took).as("nobody waited for the home").isLessThan(Duration.ofMillis(200));
    assertThat(read(AP, key(1))).as("the backup knows").isEqualTo(new ReadOutcome.Absent(false));
    assertThat(read(US, key(1))).isEqualTo(new ReadOutcome.Absent(false));
    write(US, key(0), "at the backup");
    write(AP, key(1), "elsewhere");
    pass(Duration.ofSeconds(1));
    assertValue(read(AP, key(0)), "at the backup");
    assertValue(read(US, key(1)), "elsewhere");
    assertThat(cluster.node(US).store().holdsPayload(key(1))).isTrue();

    cluster.start(EU);
    awaitInSync();
    assertThat(cluster.isConverged()).isTrue();
    assertThat(cluster.payloadsAreHome()).isTrue();
    assertValue(read(EU, key(0)), "at the backup");
    assertValue(read(EU, key(1)), "elsewhere");
    assertThat(cluster.statesSeen("ap", "eu"))
        .containsExactly(CATCHING_UP, IN_SYNC, SUSPECT, OFFLINE, CATCHING_UP, IN_SYNC);
  }

  @Test
  void aHomeThatIsSilent_isAskedLast_asSoonAsItIsSuspected() {
    startInSync();
    for (int i = 0; i < 3; i++) {
      write(EU, key(i), "value");
    }
    pass(Duration.ofSeconds(2));
    cluster.network.split("ap", "eu");
    assertThat(timeOf(() -> assertValue(read(AP, key(0)), "value")))
        .as("nobody can know yet: one attempt is lost")
        .isGreaterThan(Duration.ofSeconds(1));
    await("suspected", () -> state(AP, EU) == SUSPECT);
    assertThat(peer(AP, EU).phi()).isGreaterThanOrEqualTo(8);
    assertThat(timeOf(() -> assertValue(read(AP, key(1)), "value")))
        .isLessThan(Duration.ofMillis(200));
    cluster.network.healAll();
    awaitInSync();
    assertThat(timeOf(() -> assertValue(read(AP, key(2)), "value")))
        .isLessThan(Duration.ofMillis(200));
  }

  @Test
  void aBackupThatIsBehindTheHome_doesNotDenyWhatItMayHaveMissed() {
    startInSync();
    // The comparisons that follow a connection are over.
    pass(Duration.ofSeconds(5));
    cluster.node(EU).replicator().pause(US);
    cluster.node(EU).replicator().pause(AP);
    write(EU, key(0), "known to the home, and not to the backup");
    pass(Duration.ofSeconds(2));
    cluster.crash(EU);
    await("lost", () -> state(US, EU) == OFFLINE);
    assertThat(read(US, key(1))).isInstanceOf(ReadOutcome.Unreachable.class);
    assertThat(read(US, key(0))).isInstanceOf(ReadOutcome.Unreachable.class);
    cluster.start(EU);
    awaitInSync();
    assertValue(read(US, key(0)), "known to the home, and not to the backup");
    assertThat(read(US, key(1))).isEqualTo(new ReadOutcome.Absent(false));
  }

  @Test
  void aBackup_doesNotDenyWhatAThirdRegionMayHaveWritten() {
    startInSync();
    cluster.network.split("ap", "us");
    await("suspected", () -> state(US, AP) != IN_SYNC);
    write(AP, key(0), "known to the home, and not to the backup");
    pass(Duration.ofSeconds(5));
    assertThat(cluster.node(EU).store().holdsPayload(key(0))).isTrue();
    cluster.crash(EU);
    await("lost", () -> state(US, EU) == OFFLINE);
    assertThat(read(US, key(0))).isInstanceOf(ReadOutcome.Unreachable.class);
    cluster.network.healAll();
    await("caught up", () -> state(US, AP) == IN_SYNC);
    assertValue(read(US, key(0)), "known to the home, and not to the backup");
    assertThat(read(US, key(1))).isEqualTo(new ReadOutcome.Absent(false));
  }

  @Test
  void aKeyThatTheHomeKnowsButCannotRead_isNotDeniedByTheBackup() {
    startInSync();
    for (RegionName other : List.of(AP, US)) {
      cluster.node(EU).replicator().pause(other);
    }
    cluster.node(US).replicator().pause(AP);
    write(US, key(1), "so that ap knows that it does not know all");
    pass(Duration.ofMillis(600));
    write(EU, key(0), "known to the home alone");
    SimFault damage = cluster.machine(EU).disk().failAll(SimDisk.Operation.READ, file -> true);
    assertThat(cluster.node(US).replicator().answersFor(key(0)))
        .as("the backup has not heard of it")
        .isTrue();
    assertThat(read(AP, key(0))).isInstanceOf(ReadOutcome.Unreachable.class);
    damage.end();
    assertValue(read(AP, key(0)), "known to the home alone");
  }

  @Test
  void aPartitionInOneDirection_isSeenFromBothSides_andEnds() {
    startInSync();
    cluster.network.cut("us", "eu");
    await("lost", () -> state(EU, US) == OFFLINE && state(US, EU) == OFFLINE);
    assertThat(state(EU, AP)).isEqualTo(IN_SYNC);
    write(US, key(0), "written alone");
    pass(Duration.ofMinutes(10));
    assertThat(peer(US, EU).lagMs()).isBetween(590_000L, 620_000L);
    assertThat(peer(US, EU).oldestUnacknowledgedMs()).isBetween(600_000L, 601_000L);
    assertThat(peer(US, EU).pendingChanges()).isEqualTo(1);
    assertThat(peer(EU, US).missingMs()).as("nobody told it").isGreaterThan(600_000);
    cluster.network.healAll();
    awaitInSync();
    for (List<String> pair : List.of(List.of("eu", "us"), List.of("us", "eu"))) {
      assertThat(cluster.statesSeen(pair.get(0), pair.get(1)))
          .containsExactly(CATCHING_UP, IN_SYNC, SUSPECT, OFFLINE, CATCHING_UP, IN_SYNC);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aLinkThatFlaps_isToldAFewTimes_andReplicatesAllTheWhile(long seed) {
    var flapping = new SimCluster(seed, 1 << 20, "eu", "us");
    flapping.network.defaultLink(SimLink.perfect(Duration.ofMillis(20)));
    flapping.startAll();
    var random = flapping.world.fork("flapping");
    flapping.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; i < 300; i++) {
      flapping.node(EU).write(Key.of("n/" + i), Bytes.utf8("v"), Header.NEVER, Precondition.NONE);
      flapping.network.breakConnections("eu", "us");
      flapping.world.runFor(Duration.ofMillis(random.nextInt(2000)));
    }
    assertThat(flapping.statesSeen("eu", "us").size())
        .as(flapping.world.describe("five minutes of flapping"))
        .isBetween(4, 30);
    flapping.world.runUntil(
        "rest",
        () -> flapping.isConverged() && flapping.node(EU).replicator().stats(US).state() == IN_SYNC,
        Duration.ofMinutes(2));
    assertThat(flapping.allKeys()).hasSize(300);
  }

  @Test
  void aLinkThatKeepsUpUnderLoad_staysInSync() {
    startInSync();
    for (int i = 0; i < 2000; i++) {
      cluster
          .node(EU)
          .write(Key.of("n/" + i % 50), Bytes.utf8("v" + i), Header.NEVER, Precondition.NONE);
      pass(Duration.ofMillis(10));
    }
    assertThat(peer(EU, US).pendingChanges()).as("there is always something").isPositive();
    assertThat(peer(EU, US).lagMs()).isBetween(1L, 500L);
    assertThat(cluster.statesSeen("eu", "us")).containsExactly(CATCHING_UP, IN_SYNC);
    assertThat(cluster.statesSeen("us", "eu")).containsExactly(CATCHING_UP, IN_SYNC);
  }

  @Test
  void aPausedLink_sendsNoChanges_saysSo_andGoesOnFromThere() {
    startInSync();
    cluster.node(EU).replicator().pause(US);
    pass(Duration.ofSeconds(1));
    assertThat(peer(EU, US).paused()).isTrue();
    assertThat(peer(US, EU).pausedThere()).isTrue();
    assertThat(state(US, EU)).as("nothing is missing yet").isEqualTo(IN_SYNC);
    for (int i = 0; i < 7; i++) {
      write(EU, key(i), "value");
    }
    pass(Duration.ofSeconds(10));

    assertThat(cluster.node(US).store().header(key(0))).isNull();
    assertThat(cluster.node(AP).store().header(key(0))).as("others get it").isNotNull();
    PeerStats there = peer(EU, US);
    assertThat(there.pendingChanges()).isEqualTo(7);
    assertThat(there.oldestUnacknowledgedMs()).isBetween(10_000L, 11_000L);
    assertThat(there.state()).isEqualTo(CATCHING_UP);
    assertThat(there.inFlightBytes()).isZero();
    PeerStats here = peer(US, EU);
    assertThat(here.missingChanges()).isEqualTo(7);
    assertThat(here.missingMs()).isBetween(9_500L, 11_500L);
    assertThat(here.state()).isEqualTo(CATCHING_UP);
    assertValue(read(US, key(0)), "value"); // fetches go on
    write(US, key(9), "the other way is open");
    pass(Duration.ofSeconds(1));
    assertValue(read(EU, key(9)), "the other way is open");

    cluster.node(EU).replicator().resume(US);
    awaitInSync();
    assertThat(peer(EU, US).paused()).isFalse();
    assertThat(peer(US, EU).pausedThere()).isFalse();
    assertThat(peer(EU, US).connects()).as("it stayed connected").isEqualTo(1);
    assertThat(cluster.isConverged()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {-3_600_000, 0, 3_600_000})
  void aClockThatIsOff_isMeasured_fromBothSides(long skewMs) {
    cluster.machine(US).setSkew(Duration.ofMillis(skewMs));
    startInSync();
    pass(Duration.ofSeconds(2));
    assertThat(peer(EU, US).clockOffsetMs()).isCloseTo(skewMs, within(50.0));
    assertThat(peer(US, EU).clockOffsetMs()).isCloseTo(-skewMs, within(50.0));
    assertThat(peer(EU, AP).clockOffsetMs()).isCloseTo(0, within(50.0));
    cluster.machine(US).jumpWall(Duration.ofMinutes(-10));
    pass(Duration.ofSeconds(2));
    assertThat(peer(EU, US).clockOffsetMs()).isCloseTo(skewMs - 600_000, within(50.0));
  }

  @Test
  void aRegionNameThatIsUsedTwice_isRefusedToTheSecond_forAsLongAsTheFirstIsThere() {
    startInSync();
    long first = cluster.node(US).store().nodeId();
    var machine = new SimNode(cluster.world, "elsewhere");
    FabricNode<MetadataRecord> second = cluster.open(US, machine);
    CompletableFuture<?> written =
        second.write(Key.of("n/second"), Bytes.utf8("2"), Header.NEVER, Precondition.NONE);
    pass(Duration.ofSeconds(30));

    assertThat(written).isCompleted();
    for (PeerStats peer : second.stats().replication().peers()) {
      assertThat(peer.refusal()).isEqualTo(Refusal.REGION_TAKEN);
      assertThat(peer.state()).isEqualTo(OFFLINE);
      assertThat(peer.problem())
          .contains("region us is node " + Long.toHexString(first))
          .contains("node " + Long.toHexString(second.store().nodeId()))
          .contains("give each node a region name of its own");
    }
    for (RegionName region : List.of(AP, EU)) {
      assertThat(cluster.node(region).store().header(Key.of("n/second"))).isNull();
      assertThat(cluster.node(region).stats().replication().refusedPeers()).isPositive();
      assertThat(state(region, US)).isEqualTo(IN_SYNC);
      assertThat(peer(region, US).connects()).as("the first was not disturbed").isEqualTo(1);
    }

    // The first loses its connections for a moment; the name stays with it.
    cluster.network.breakConnections("eu", "us");
    awaitInSync();
    assertThat(cluster.node(EU).store().header(Key.of("n/second"))).isNull();

    cluster.crash(US);
    await(
        "the second is taken for a replacement",
        () -> cluster.node(EU).store().header(Key.of("n/second")) != null);
    cluster.start(US);
    await(
        "now the first is refused",
        () -> peer(US, EU).refusal() == Refusal.REGION_TAKEN && peer(EU, US).refusal() != null);
    assertThat(peer(EU, US).problem())
        .contains(Long.toHexString(first))
        .contains(Long.toHexString(second.store().nodeId()));
  }

  @Test
  void aRegionWhoseDirectoryWasReplaced_comesBack() {
    startInSync();
    write(EU, key(0), "value");
    pass(Duration.ofSeconds(1));
    long before = cluster.node(US).store().nodeId();
    cluster.crash(US);
    cluster.startOnNewMachine(US);
    assertThat(cluster.node(US).store().nodeId()).isNotEqualTo(before);
    awaitInSync();
    assertThat(cluster.isConverged()).isTrue();
    assertValue(read(US, key(0)), "value");
    assertThat(peer(EU, US).refusal()).isNull();
  }
}
