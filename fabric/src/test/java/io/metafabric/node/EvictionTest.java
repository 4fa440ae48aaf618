package io.metafabric.node;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.EvictedException;
import io.metafabric.core.error.EvictionException;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.HomeMoves;
import io.metafabric.replicate.PeerState;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Regions that operators take out of the cluster and in again, in virtual time. */
final class EvictionTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private static SimCluster cluster(long seed) {
    var cluster = new SimCluster(seed, 1 << 16, "ap", "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    return cluster;
  }

  private static Key keyWithHomes(SimCluster cluster, RegionName home, RegionName backup) {
    for (int i = 0; ; i++) {
      Key key = Key.of("n/" + home + backup + i);
      if (cluster.node(home).homesOf(key).equals(new Homes(home, backup))) {
        return key;
      }
    }
  }

  private static void write(SimCluster cluster, RegionName in, Key key, @Nullable String value) {
    Bytes payload = value == null ? null : Bytes.utf8(value);
    done(cluster, "a write", cluster.node(in).write(key, payload, Header.NEVER, Precondition.NONE));
  }

  private static ReadOutcome outcome(SimCluster cluster, RegionName in, Key key) {
    return done(cluster, "a read", cluster.node(in).read(null, key));
  }

  private static @Nullable String read(SimCluster cluster, RegionName in, Key key) {
    return outcome(cluster, in, key) instanceof ReadOutcome.Value value
            && value.record().payload() != null
        ? value.record().payload().toUtf8()
        : null;
  }

  private static <T> T done(SimCluster cluster, String what, CompletableFuture<T> future) {
    cluster.world.runUntil(what, future::isDone, PATIENCE);
    return future.join();
  }

  private static Configuration evict(SimCluster cluster, RegionName in, RegionName whom) {
    return done(cluster, "an eviction", cluster.node(in).evict(whom));
  }

  private static Configuration readmit(SimCluster cluster, RegionName in, RegionName whom) {
    return done(cluster, "a readmission", cluster.node(in).readmit(whom));
  }

  private static void runUntilHeld(SimCluster cluster, Configuration by, RegionName... regions) {
    cluster.world.runUntil(
        "all hold " + by,
        () ->
            List.of(regions).stream()
                .allMatch(each -> cluster.node(each).configuration().equals(by)),
        PATIENCE);
  }

  private static void isolate(SimCluster cluster, RegionName region) {
    for (RegionName other : cluster.regions) {
      if (!other.equals(region)) {
        cluster.network.split(region.name(), other.name());
      }
    }
  }

  private static void runUntilBack(SimCluster cluster, RegionName region) {
    cluster.world.runUntil(
        region + " is filled",
        () ->
            cluster.isUp(region)
                && cluster.node(region).store().configured().admits(region)
                && cluster.node(region).store().configured().filled(),
        PATIENCE);
    cluster.world.runUntil("convergence", cluster::isConverged, PATIENCE);
    cluster.world.runUntil("payloads at home", cluster::payloadsAreHome, PATIENCE);
  }

  private static List<Conflict> exported(SimCluster cluster, RegionName region) {
    return cluster.node(region).store().conflicts().stream()
        .filter(each -> each.reason() == Conflict.Reason.UNACKNOWLEDGED_AT_EVICTION)
        .toList();
  }

  /** It comes back with nothing, until it says what it has. */
  @Test
  void whatARegionAcknowledgedBeforeItWasTakenOut_isNotThereWhenItIsTakenInAgain() {
    var cluster = cluster(18);
    Key key = keyWithHomes(cluster, US, EU);
    write(cluster, AP, key, "one");
    Dot write = cluster.node(AP).store().header(key).version().dot();
    cluster.world.runUntil(
        "an acknowledgement",
        () -> cluster.node(AP).replicator().hasAcknowledged(US, write),
        PATIENCE);
    cluster.crash(US);
    evict(cluster, EU, US);
    Configuration back = readmit(cluster, EU, US);
    runUntilHeld(cluster, back, AP, EU);
    assertThat(cluster.node(AP).replicator().hasAcknowledged(US, write)).isFalse();

    cluster.start(US);
    runUntilBack(cluster, US);
    cluster.world.runUntil(
        "it says so again",
        () -> cluster.node(AP).replicator().hasAcknowledged(US, write),
        PATIENCE);
    assertThat(cluster.node(US).store().holdsPayload(key)).isTrue();
  }

  @Test
  void anEviction_isDurable_andReachesAllOthers() {
    var cluster = cluster(1);
    cluster.network.split("ap", "eu");
    Configuration now = evict(cluster, EU, US);
    assertThat(now.epoch()).isEqualTo(1);
    assertThat(now.evicted()).containsExactly(US);
    cluster.crash(EU);
    cluster.start(EU);
    assertThat(cluster.node(EU).configuration()).isEqualTo(now);
    assertThat(cluster.node(AP).configuration()).isEqualTo(Configuration.INITIAL);

    cluster.network.healAll();
    runUntilHeld(cluster, now, AP, EU, US);
    for (RegionName region : cluster.regions) {
      cluster.stop(region);
      cluster.start(region);
      assertThat(cluster.node(region).configuration()).as("in %s", region).isEqualTo(now);
    }
  }

  @Test
  void whatCannotBeEvicted_saysWhatToDo() {
    var cluster = cluster(2);
    var eu = cluster.node(EU);
    assertThatThrownBy(() -> eu.evict(EU))
        .isInstanceOf(EvictionException.class)
        .hasMessageContaining("call it in a region that stays");
    assertThatThrownBy(() -> eu.readmit(EU)).isInstanceOf(EvictionException.class);
    assertThatThrownBy(() -> eu.evict(new RegionName("mars")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("[ap, us]");
    Configuration one = evict(cluster, EU, US);
    assertThat(evict(cluster, EU, US)).as("again").isEqualTo(one);
    assertThatThrownBy(() -> evict(cluster, EU, AP))
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(EvictionException.class)
        .hasMessageContaining("without region ap only eu would be left")
        .hasMessageContaining("without peer(\"ap\"");
    runUntilHeld(cluster, one, AP, EU, US);
    assertThatThrownBy(() -> evict(cluster, US, AP))
        .hasCauseInstanceOf(EvictedException.class)
        .hasMessageContaining("call it in a member");
    assertThat(cluster.node(AP).configuration()).isEqualTo(one);
  }

  /** Nobody else may have by then what it had acknowledged. */
  @Test
  void aRegionThatIsBeingFilledAnew_evictsNobody() {
    var cluster = cluster(19);
    write(cluster, AP, Key.of("n/1"), "one");
    isolate(cluster, US);
    evict(cluster, EU, US);
    evictsNobodyBefore(cluster, readmit(cluster, EU, US));
    cluster.network.healAll();
    runUntilBack(cluster, US);
    Configuration last = evict(cluster, US, AP);
    assertThat(last.evicted()).containsExactly(AP);
    runUntilHeld(cluster, last, AP, EU, US);
  }

  @Test
  void aRegionThatLacksItsOwnWrites_evictsNobody_beforeItHasThemBack() {
    var cluster = cluster(20);
    for (int i = 0; i < 20; i++) {
      write(cluster, EU, Key.of("n/" + i), "value " + i);
    }
    cluster.world.runUntil("convergence", cluster::isConverged, PATIENCE);
    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    cluster.start(EU);
    // From whichever takes it for the one that replaces the old first.
    cluster.world.runUntil(
        "eu hears what it lacks", () -> lacksOwn(cluster, AP) || lacksOwn(cluster, US), PATIENCE);
    assertThatThrownBy(() -> evict(cluster, EU, US))
        .hasCauseInstanceOf(EvictionException.class)
        .hasMessageContaining("eu lacks writes of its own and may need region us");
    cluster.world.runUntil(
        "eu has them back", () -> !lacksOwn(cluster, AP) && !lacksOwn(cluster, US), PATIENCE);
    assertThat(evict(cluster, EU, US).evicted()).containsExactly(US);
  }

  private static boolean lacksOwn(SimCluster cluster, RegionName than) {
    return cluster.node(EU).stats().replication().peers().stream()
        .anyMatch(peer -> peer.region().equals(than) && peer.repair().lacksOwn());
  }

  private static void evictsNobodyBefore(SimCluster cluster, Configuration back) {
    cluster.network.heal(US.name(), EU.name());
    cluster.world.runUntil(
        "us begins anew",
        () ->
            cluster.isUp(US)
                && cluster.node(US).configuration().equals(back)
                && cluster.node(US).store().configured().admits(US),
        PATIENCE);
    assertThat(cluster.node(US).store().configured().filled()).isFalse();
    assertThatThrownBy(() -> evict(cluster, US, EU))
        .hasCauseInstanceOf(EvictionException.class)
        .hasMessageContaining("us is being filled anew and may need region eu")
        .hasMessageContaining("evict it in a region that has all");
    assertThat(cluster.node(US).configuration()).isEqualTo(back);
  }

  @Test
  void theHomesOfTheEvicted_areOthers_andTheRestStays_andPayloadsFollow() {
    var cluster = cluster(3);
    Map<Key, Homes> before = new HashMap<>();
    for (int i = 0; i < 60; i++) {
      Key key = Key.of("n/" + i);
      write(cluster, cluster.regions.get(i % 3), key, "value " + i);
      before.put(key, cluster.node(EU).homesOf(key));
    }
    Key moved = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, moved, "moved");
    assertThat(done(cluster, "a move", cluster.node(EU).moveHome(moved, US)))
        .isEqualTo(HomeMoves.Result.DONE);
    cluster.world.runUntil("convergence", cluster::isConverged, PATIENCE);
    isolate(cluster, US);

    Configuration now = evict(cluster, EU, US);
    runUntilHeld(cluster, now, AP, EU);
    before.forEach(
        (key, homes) -> {
          Homes after = cluster.node(AP).homesOf(key);
          assertThat(after).isEqualTo(cluster.node(EU).homesOf(key));
          assertThat(after.include(US)).isFalse();
          assertThat(after.backup()).isNotNull();
          if (!homes.include(US)) {
            assertThat(after).as("home of %s", key).isEqualTo(homes);
          }
        });
    assertThat(cluster.node(AP).homesOf(moved)).isEqualTo(new Homes(EU, AP));
    cluster.world.runUntil(
        "payloads are chased",
        () ->
            List.of(AP, EU).stream()
                .allMatch(
                    region ->
                        before.keySet().stream()
                            .allMatch(
                                key ->
                                    !cluster.node(region).homesOf(key).include(region)
                                        || cluster.node(region).store().holdsPayload(key)
                                        || onlyHeldBy(cluster, US, key))),
        PATIENCE);
    // The stand-in moves it on, and wins over whatever the evicted home may have decided.
    assertThat(done(cluster, "a move", cluster.node(AP).moveHome(moved, AP)))
        .isEqualTo(HomeMoves.Result.DONE);
    cluster.world.runUntil(
        "its epoch is of this configuration",
        () -> cluster.node(AP).movedHome(moved).epoch() >= 1L << 32,
        PATIENCE);
    Key unknown = keyNeverWritten(cluster, before);
    cluster.world.runUntil(
        "an absence is sure",
        () -> outcome(cluster, AP, unknown) instanceof ReadOutcome.Absent,
        PATIENCE);
  }

  private static boolean onlyHeldBy(SimCluster cluster, RegionName holder, Key key) {
    return cluster.regions.stream()
        .noneMatch(each -> !each.equals(holder) && cluster.node(each).store().holdsPayload(key));
  }

  private static Key keyNeverWritten(SimCluster cluster, Map<Key, Homes> written) {
    for (int i = 1000; ; i++) {
      Key key = Key.of("n/" + i);
      if (!written.containsKey(key) && cluster.node(EU).homesOf(key).home().equals(AP)) {
        return key;
      }
    }
  }

  @Test
  void nobodyWaitsForTheEvicted_neitherTheFloorNorTheOutbox() {
    var cluster = cluster(4);
    Key key = Key.of("n/deleted");
    write(cluster, EU, key, "one");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.stop(US, SimDisk.Loss.NONE);
    write(cluster, EU, key, null);
    cluster.world.runFor(Duration.ofHours(1));
    assertThat(cluster.node(EU).store().header(key)).as("waits for us").isNotNull();
    long needed = cluster.node(EU).replicator().neededAfter();

    runUntilHeld(cluster, evict(cluster, EU, US), AP, EU);
    cluster.world.runFor(PATIENCE);
    for (RegionName region : List.of(AP, EU)) {
      assertThat(cluster.node(region).store().header(key)).as("in %s", region).isNull();
    }
    write(cluster, EU, Key.of("n/later"), "two");
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(cluster.node(EU).replicator().neededAfter()).isGreaterThan(needed);
    var stats = cluster.node(EU).replicator().stats(US);
    assertThat(stats.state()).isEqualTo(PeerState.EVICTED);
    assertThat(stats.pendingChanges()).isZero();

    // It was off the whole time, and still has what was deleted.
    cluster.start(US);
    assertThat(cluster.node(US).store().header(key).isTombstone()).isFalse();
    cluster.world.runUntil(
        "us knows", () -> !cluster.node(US).configuration().isMember(US), PATIENCE);
    cluster.world.runFor(PATIENCE);
    assertThat(cluster.node(EU).store().header(key)).isNull();
    runUntilHeld(cluster, readmit(cluster, AP, US), AP, EU, US);
    runUntilBack(cluster, US);
    assertThat(read(cluster, US, key)).as("deleted").isNull();
    cluster.world.runUntil(
        "us has forgotten it as well",
        () -> cluster.node(US).store().header(key) == null,
        PATIENCE);
    assertThat(read(cluster, US, Key.of("n/later"))).isEqualTo("two");
  }

  @Test
  void theEvicted_isRefusedOnBothSides_andWritesNothing_alsoAfterARestart() {
    var cluster = cluster(5);
    Key key = Key.of("n/1");
    write(cluster, US, key, "one");
    cluster.world.runFor(Duration.ofSeconds(2));
    Configuration now = evict(cluster, EU, US);
    runUntilHeld(cluster, now, AP, EU, US);
    cluster.world.runFor(Duration.ofSeconds(10));
    assertRefused(cluster, EU, US);
    assertRefused(cluster, AP, US);
    assertRefused(cluster, US, EU);
    assertRefused(cluster, US, AP);
    assertThat(cluster.statesSeen("eu", "us")).endsWith(PeerState.EVICTED);
    assertThat(cluster.statesSeen("us", "eu")).endsWith(PeerState.EVICTED);
    assertThat(cluster.node(EU).stats().replication().refusedPeers()).isPositive();
    assertWritesNothing(cluster, key);
    assertThat(read(cluster, US, key)).as("what it has").isEqualTo("one");
    assertThat(outcome(cluster, US, Key.of("n/never")))
        .as("what it cannot know")
        .isInstanceOf(ReadOutcome.Unreachable.class);

    cluster.crash(US);
    cluster.start(US);
    assertWritesNothing(cluster, key);
    cluster.world.runFor(Duration.ofSeconds(10));
    assertRefused(cluster, US, EU);
    assertThat(exported(cluster, US)).isEmpty();
  }

  private static void assertRefused(SimCluster cluster, RegionName in, RegionName of) {
    var stats = cluster.node(in).replicator().stats(of);
    assertThat(stats.state()).as("%s in %s", of, in).isEqualTo(PeerState.EVICTED);
    assertThat(stats.refusal()).isEqualTo(Refusal.EVICTED);
  }

  private static void assertWritesNothing(SimCluster cluster, Key key) {
    assertThatThrownBy(
            () -> cluster.node(US).write(key, Bytes.utf8("more"), Header.NEVER, Precondition.NONE))
        .isInstanceOf(EvictedException.class)
        .hasMessageContaining("us evicted at 1")
        .hasMessageContaining("readmit(\"us\")");
  }

  @Test
  void whoIsTakenInAgain_exportsWhatNobodyHas_andIsFilledByTheOthers() {
    var cluster = cluster(6);
    write(cluster, US, Key.of("n/known"), "known to all");
    write(cluster, EU, Key.of("n/other"), "old");
    write(cluster, EU, Key.of("n/ofEu"), "which has it");
    write(cluster, AP, Key.of("n/ofAp"), "which has it");
    cluster.world.runFor(Duration.ofSeconds(2));
    isolate(cluster, US);
    write(cluster, US, Key.of("n/alone"), "alone");
    write(cluster, US, Key.of("n/other"), "overwritten alone");
    write(cluster, US, Key.of("n/known"), null);
    runUntilHeld(cluster, evict(cluster, EU, US), AP, EU);
    write(cluster, US, Key.of("n/late"), "does not know it yet");
    cluster.network.healAll();
    cluster.world.runUntil(
        "us knows", () -> !cluster.node(US).configuration().isMember(US), PATIENCE);
    long actor = cluster.node(US).store().actor().id();
    readmit(cluster, EU, US);
    runUntilBack(cluster, US);

    assertThat(cluster.node(US).store().actor().id()).isNotEqualTo(actor);
    assertThat(exported(cluster, US).stream().map(each -> each.key().path()))
        .containsExactlyInAnyOrder("n/alone", "n/other", "n/known", "n/late");
    assertThat(exported(cluster, US).stream().filter(each -> each.key().id().equals("alone")))
        .allMatch(each -> new String(each.value().orElseThrow()).equals("alone"));
    for (RegionName region : cluster.regions) {
      assertThat(read(cluster, region, Key.of("n/known"))).isEqualTo("known to all");
      assertThat(read(cluster, region, Key.of("n/other"))).isEqualTo("old");
      assertThat(cluster.node(region).store().header(Key.of("n/alone"))).isNull();
    }
    cluster.world.runUntil(
        "all are in sync",
        () -> cluster.node(EU).replicator().stats(US).state() == PeerState.IN_SYNC,
        PATIENCE);
    write(cluster, US, Key.of("n/alone"), "again");
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(read(cluster, AP, Key.of("n/alone"))).isEqualTo("again");
    cluster.stop(US);
    cluster.start(US);
    assertThat(exported(cluster, US)).hasSize(4);
    assertThat(cluster.node(US).store().configured().filled()).isTrue();
  }

  /**
   * Each hears of the decision where nothing is said of what is had: by a handshake that another
   * one began. What only they have is with nobody once both are emptied.
   */
  @Test
  void twoThatAreTakenInAgain_doNotGiveUpWhatOnlyTheOtherHas() {
    var cluster = cluster(21);
    Key key = keyWithHomes(cluster, US, AP);
    isolate(cluster, EU);
    write(cluster, US, key, "only in us and ap");
    cluster.world.runUntil("ap has it", () -> cluster.node(AP).store().holdsPayload(key), PATIENCE);
    Header written = cluster.node(AP).store().header(key);
    hold(cluster, US, AP);

    cluster.world.runFor(Duration.ofMinutes(1));
    for (RegionName region : List.of(US, AP)) {
      assertThat(cluster.node(region).store().header(key)).as("in %s", region).isEqualTo(written);
    }
    cluster.network.healAll();
    runUntilBack(cluster, US);
    runUntilBack(cluster, AP);
    assertThat(
            Stream.of(US, AP)
                .flatMap(region -> exported(cluster, region).stream())
                .map(Conflict::lost))
        .contains(written);
  }

  @Test
  void whereAllAreToBeFilledAnew_eachExportsAllThatItHas() {
    var cluster = cluster(22);
    Key key = keyWithHomes(cluster, US, AP);
    write(cluster, US, key, "everywhere");
    cluster.world.runUntil("convergence", cluster::isConverged, PATIENCE);
    Header written = cluster.node(EU).store().header(key);
    hold(cluster, AP, EU, US);
    for (RegionName region : cluster.regions) {
      runUntilBack(cluster, region);
    }
    for (RegionName region : cluster.regions) {
      assertThat(exported(cluster, region)).extracting(Conflict::lost).contains(written);
    }
  }

  /** These were evicted and readmitted; they hear of both at once, and not what anybody has. */
  private static void hold(SimCluster cluster, RegionName... readmitted) {
    Configuration next = Configuration.INITIAL;
    for (RegionName region : readmitted) {
      next = next.without(region).readmitting(region);
    }
    for (RegionName region : cluster.regions) {
      JournalEntry.Configured held = cluster.node(region).store().configured();
      var configured = new JournalEntry.Configured(next, held.admitted(), held.filled());
      assertThat(done(cluster, "a decision", cluster.node(region).store().configure(configured)))
          .isTrue();
    }
    for (RegionName region : cluster.regions) {
      cluster.crash(region);
    }
    cluster.startAll();
  }

  @Test
  void whatCannotBeRead_holdsItsRegionUp_forTenMinutes_andIsListedThen() {
    var cluster = cluster(11);
    isolate(cluster, US);
    write(cluster, US, Key.of("n/good"), "alone");
    write(cluster, US, Key.of("n/bad"), "to be damaged");
    runUntilHeld(cluster, evict(cluster, EU, US), AP, EU);
    cluster.stop(US);
    damage(cluster.machine(US).disk(), "to be damaged");
    cluster.network.healAll();
    cluster.start(US);
    cluster.world.runUntil(
        "us knows", () -> !cluster.node(US).configuration().isMember(US), PATIENCE);
    readmit(cluster, EU, US);
    cluster.world.runFor(Duration.ofMinutes(9));
    assertThat(cluster.node(US).store().configured().admitted()).isZero();

    cluster.world.runFor(Duration.ofMinutes(2));
    runUntilBack(cluster, US);
    assertThat(exported(cluster, US)).extracting(each -> each.key().id()).containsExactly("good");
    SimDisk disk = cluster.machine(US).disk();
    assertThat(disk.files()).contains("unreadable-0000000000000002.txt");
    assertThat(new String(disk.contentOf("unreadable-0000000000000002.txt"), UTF_8))
        .contains("journal-")
        .hasLineCount(1);
  }

  private static void damage(SimDisk disk, String value) {
    for (String name : disk.files()) {
      int at = new String(disk.contentOf(name), ISO_8859_1).indexOf(value);
      if (at >= 0) {
        disk.damage(name, at);
        return;
      }
    }
    throw new AssertionError("no file has " + value);
  }

  @Test
  void evictedAndReadmittedWhileItWasOff_itIsFilledAtItsFirstHandshake() {
    var cluster = cluster(7);
    cluster.world.runFor(Duration.ofSeconds(2));
    isolate(cluster, US);
    write(cluster, US, Key.of("n/alone"), "alone");
    cluster.stop(US, SimDisk.Loss.NONE);
    evict(cluster, EU, US);
    runUntilHeld(cluster, readmit(cluster, EU, US), AP, EU);
    assertThat(cluster.node(EU).configuration().epoch()).isEqualTo(2);
    cluster.network.healAll();
    cluster.start(US);
    runUntilBack(cluster, US);
    assertThat(exported(cluster, US)).hasSize(1);
    assertThat(cluster.node(EU).store().header(Key.of("n/alone"))).isNull();
  }

  @Test
  void whileItIsFilled_itIsSureOfNothing_alsoAfterACrash() {
    var cluster = cluster(8);
    Key key = keyWithHomes(cluster, US, EU);
    Key never = keyWithHomes(cluster, US, AP);
    write(cluster, EU, key, "one");
    cluster.world.runFor(Duration.ofSeconds(2));
    runUntilHeld(cluster, evict(cluster, EU, US), AP, EU, US);
    // Only one of two will be there to fill it.
    cluster.stop(AP, SimDisk.Loss.NONE);
    readmit(cluster, EU, US);
    cluster.world.runUntil(
        "us has begun anew",
        () -> cluster.isUp(US) && cluster.node(US).store().configured().admits(US),
        PATIENCE);
    for (int i = 0; i < 2; i++) {
      cluster.world.runFor(Duration.ofSeconds(30));
      assertThat(cluster.node(US).store().configured().filled()).isFalse();
      assertThat(read(cluster, US, key)).isEqualTo("one");
      assertThat(outcome(cluster, US, never)).isInstanceOf(ReadOutcome.Unreachable.class);
      cluster.crash(US);
      cluster.start(US);
    }
    cluster.start(AP);
    runUntilBack(cluster, US);
    assertThat(outcome(cluster, US, never)).isInstanceOf(ReadOutcome.Absent.class);
  }

  @Test
  void whatOneMemberHasOfTheEvicted_allGet_andForget() {
    var cluster = cluster(9);
    Key key = Key.of("n/1");
    write(cluster, EU, key, "one");
    cluster.world.runFor(Duration.ofSeconds(2));
    cluster.network.split("us", "eu");
    write(cluster, US, key, null);
    cluster.world.runFor(Duration.ofSeconds(2));
    isolate(cluster, US);
    assertThat(cluster.node(AP).store().header(key).isTombstone()).isTrue();
    assertThat(cluster.node(EU).store().header(key).isTombstone()).isFalse();
    runUntilHeld(cluster, evict(cluster, EU, US), AP, EU);
    cluster.world.runUntil(
        "both have forgotten it",
        () ->
            List.of(AP, EU).stream()
                .allMatch(region -> cluster.node(region).store().header(key) == null),
        PATIENCE);
  }

  @Test
  void whoDecidesDifferently_isRefused_untilOneFollowsTheOther() {
    var cluster = new SimCluster(10, 1 << 16, "ap", "eu", "sa", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    var sa = new RegionName("sa");
    for (String one : List.of("ap", "sa")) {
      for (String other : List.of("eu", "us")) {
        cluster.network.split(one, other);
      }
    }
    Configuration inEu = evict(cluster, EU, sa);
    Configuration inAp = evict(cluster, AP, US);
    cluster.network.healAll();
    cluster.world.runUntil(
        "they refuse each other",
        () ->
            cluster.node(EU).replicator().stats(AP).refusal() == Refusal.CONFIGURATION
                && cluster.node(AP).replicator().stats(EU).refusal() == Refusal.CONFIGURATION,
        PATIENCE);
    for (String problem :
        List.of(
            cluster.node(AP).replicator().stats(EU).problem(),
            cluster.node(EU).replicator().stats(AP).problem())) {
      assertThat(problem)
          .contains(inEu.toString())
          .contains(inAp.toString())
          .contains("evict what the other has evicted");
    }

    Configuration both = evict(cluster, EU, US);
    runUntilHeld(cluster, both, AP, EU);
    assertThat(both.evicted()).containsExactly(sa, US);
    cluster.world.runUntil(
        "they talk",
        () -> cluster.node(EU).replicator().stats(AP).state() == PeerState.IN_SYNC,
        PATIENCE);
  }

  /** Each operation of the disk while the directory is begun anew may be the last. */
  @Test
  void aCrashAtAnyMoment_ofTheWayBack_goesOnWhereItWas() {
    for (int operations = 1; operations < 60; operations += 2) {
      var cluster = cluster(100 + operations);
      isolate(cluster, US);
      write(cluster, US, Key.of("n/alone"), "alone");
      runUntilHeld(cluster, evict(cluster, EU, US), AP, EU);
      readmit(cluster, EU, US);
      cluster.network.healAll();
      boolean[] crashed = {false};
      cluster
          .machine(US)
          .disk()
          .beforeOperation(
              operations,
              () -> {
                crashed[0] = true;
                cluster.crash(US);
              });
      try {
        cluster.world.runUntil(
            "a crash, or the end", () -> crashed[0] || isBack(cluster), PATIENCE);
      } catch (RuntimeException e) {
        assertThat(crashed[0]).as("%s", e).isTrue();
      }
      cluster.machine(US).disk().beforeOperation(Long.MAX_VALUE / 2, () -> {});
      if (crashed[0]) {
        cluster.crash(US);
        cluster.start(US);
      }
      runUntilBack(cluster, US);
      assertThat(exported(cluster, US))
          .as("crash before operation %d", operations)
          .hasSize(1)
          .allMatch(each -> each.key().equals(Key.of("n/alone")));
    }
  }

  private static boolean isBack(SimCluster cluster) {
    return cluster.isUp(US)
        && cluster.node(US).store().configured().filled()
        && cluster.node(US).store().configured().admitted() > 0;
  }
}
