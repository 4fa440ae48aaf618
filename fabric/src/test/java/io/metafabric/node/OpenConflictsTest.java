package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.HomeMoves;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Versions beside each other over regions: repaired, forgotten, and merged by whoever is home. */
final class OpenConflictsTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration LONG = Duration.ofMinutes(5);

  /** Nobody issues versions under it any more; what it wrote is in no region's stream. */
  private static final ActorId GONE = new ActorId(0x7777);

  private static SimCluster cluster(long seed, ConflictRule rule) {
    var cluster = new SimCluster(seed, 1 << 14, "ap", "eu", "us");
    cluster.conflicts = conflicts(rule);
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    return cluster;
  }

  private static ConflictConfig conflicts(ConflictRule rule) {
    return new ConflictConfig(new ConflictRules(Map.of("n", rule)), Duration.ofSeconds(60));
  }

  private static ConflictRule union() {
    return ConflictRule.merge("union", OpenConflictsTest::union).homeOnly();
  }

  private static Bytes union(Bytes a, Bytes b) {
    var all = new TreeSet<>(Arrays.asList(a.toUtf8().split(" ")));
    all.addAll(Arrays.asList(b.toUtf8().split(" ")));
    return Bytes.utf8(String.join(" ", all));
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static Key keyWithHomes(SimCluster cluster, RegionName home, RegionName backup) {
    return keysWithHomes(cluster, home, backup, 1).get(0);
  }

  private static List<Key> keysWithHomes(
      SimCluster cluster, RegionName home, RegionName backup, int count) {
    return IntStream.iterate(0, i -> i + 1)
        .mapToObj(OpenConflictsTest::key)
        .filter(each -> cluster.node(home).homesOf(each).equals(new Homes(home, backup)))
        .limit(count)
        .toList();
  }

  private static MetadataRecord gone(Key key, long counter, VersionVector context) {
    var version = new Version(new Dot(GONE, counter), context, new Stamp(counter << 16));
    Bytes payload = Bytes.utf8("gone " + counter);
    return new MetadataRecord(key, Header.value(version, EU, payload, Header.NEVER), payload);
  }

  private static void give(SimCluster cluster, RegionName region, MetadataRecord... records) {
    var done =
        cluster
            .node(region)
            .store()
            .applyAll(Arrays.stream(records).map(each -> new Inbound(each, true)).toList());
    cluster.world.runUntil("it is there", done::isDone, LONG);
    done.join();
  }

  /** By somebody who has read nothing, or all that {@code read} says. */
  private static MetadataRecord write(
      SimCluster cluster, RegionName in, Key key, @Nullable String value, @Nullable Version read) {
    Bytes payload = value == null ? null : Bytes.utf8(value);
    var writing =
        cluster
            .node(in)
            .write(
                key, payload, Header.NEVER, Precondition.NONE, read == null ? Version.NONE : read);
    cluster.world.runUntil("a write", writing::isDone, LONG);
    return writing.join();
  }

  private static @Nullable MetadataRecord known(SimCluster cluster, RegionName in, Key key) {
    return cluster.node(in).store().read(key);
  }

  private static MetadataRecord state(SimCluster cluster, RegionName in, Key key) {
    MetadataRecord known = known(cluster, in, key);
    assertThat(known).as("%s in %s", key, in).isNotNull();
    return known;
  }

  private static Set<Dot> dots(@Nullable MetadataRecord record) {
    var dots = new HashSet<Dot>();
    if (record != null) {
      record.versions().forEach(each -> dots.add(each.header().version().dot()));
    }
    return dots;
  }

  private static Dot dot(MetadataRecord record) {
    return record.header().version().dot();
  }

  private static Comparison compare(SimCluster cluster, RegionName one, RegionName other) {
    var comparing = cluster.node(one).compare(other);
    cluster.world.runUntil("the comparison", comparing::isDone, LONG);
    return comparing.join();
  }

  private static long[] digests(SimCluster cluster, RegionName region) {
    return cluster.node(region).store().liveDots().compared().digests(4, new int[] {0});
  }

  /** Equal digests, and what they stand for. */
  private static boolean isAlike(SimCluster cluster) {
    long[] first = digests(cluster, EU);
    boolean alike =
        cluster.regions.stream().allMatch(to -> Arrays.equals(first, digests(cluster, to)));
    for (Key key : alike ? cluster.allKeys() : Set.<Key>of()) {
      for (RegionName region : cluster.regions) {
        assertThat(dots(known(cluster, region, key)))
            .as(cluster.world.describe("equal digests mean equal versions: " + key))
            .isEqualTo(dots(known(cluster, EU, key)));
      }
    }
    return alike;
  }

  private static boolean payloadsAreHome(SimCluster cluster) {
    for (Key key : cluster.allKeys()) {
      for (RegionName region : cluster.regions) {
        MetadataRecord known = known(cluster, region, key);
        if (known != null
            && cluster.node(region).homesOf(key).include(region)
            && !PayloadChase.missing(known, 0).isEmpty()) {
          return false;
        }
      }
    }
    return true;
  }

  // ---- Payloads.

  @Test
  void whatNobodyHas_doesNotKeepANewHomeFromTheOthers_ofTheKeyOrOfMany() {
    var cluster = cluster(30, ConflictRule.siblings());
    // More than are asked for at once.
    List<Key> keys = keysWithHomes(cluster, EU, AP, 20);
    for (Key key : keys) {
      write(cluster, EU, key, "first", null);
    }
    cluster.world.runFor(Duration.ofSeconds(1));
    for (Key key : keys) {
      var moving = cluster.node(EU).moveHome(key, US);
      cluster.world.runUntil("a move", moving::isDone, LONG);
      assertThat(moving.join()).isEqualTo(HomeMoves.Result.DONE);
    }
    cluster.world.runFor(Duration.ofSeconds(5));
    cluster.crash(EU);
    for (Key key : keys) {
      give(cluster, US, gone(key, 2, VersionVector.EMPTY).withoutPayload());
    }
    Key last = keys.get(keys.size() - 1);
    assertThat(cluster.node(US).homesOf(last)).isEqualTo(new Homes(US, EU));
    MetadataRecord held = gone(last, 1, VersionVector.EMPTY);
    give(cluster, AP, held);
    give(cluster, US, held.withoutPayload());

    cluster.world.runFor(Duration.ofMinutes(1));
    for (Key key : keys) {
      assertThat(PayloadChase.missing(state(cluster, US, key), 0))
          .containsExactly(gone(key, 2, VersionVector.EMPTY).header());
    }
  }

  /** Its writer had not heard yet who stands in for the region that was evicted. */
  @Test
  void ofAnEarlierSiblingThatComesWithoutItsPayload_whoStandsInForAHomeAsksForIt() {
    var cluster = cluster(29, ConflictRule.siblings());
    Key key = keyWithHomes(cluster, AP, EU);
    var evicting = cluster.node(EU).evict(AP);
    cluster.world.runUntil("an eviction", evicting::isDone, LONG);
    cluster.world.runUntil(
        "the others to hear", () -> cluster.node(US).homesOf(key).equals(new Homes(EU, US)), LONG);
    cluster.world.runFor(Duration.ofSeconds(5));
    MetadataRecord earlier = gone(key, 1, VersionVector.EMPTY);
    MetadataRecord winner = gone(key, 2, VersionVector.EMPTY);
    give(cluster, EU, winner, earlier);
    give(cluster, US, winner);
    give(cluster, US, earlier.withoutPayload());

    cluster.world.runFor(Duration.ofMinutes(1));
    assertThat(PayloadChase.missing(state(cluster, US, key), 0)).isEmpty();
  }

  // ---- Repair.

  @Test
  void aSiblingThatIsMissing_isBroughtByAComparison_thoughTheWinnersAreTheSame() {
    for (boolean lackedByWhoAsks : List.of(false, true)) {
      var cluster = cluster(31, ConflictRule.siblings());
      Key key = keyWithHomes(cluster, EU, US);
      MetadataRecord beside = gone(key, 1, VersionVector.EMPTY);
      MetadataRecord winner = gone(key, 2, VersionVector.EMPTY);
      RegionName whole = lackedByWhoAsks ? US : EU;
      RegionName lacking = lackedByWhoAsks ? EU : US;
      give(cluster, whole, winner, beside);
      give(cluster, lacking, winner);
      assertThat(state(cluster, EU, key).header()).isEqualTo(state(cluster, US, key).header());

      Comparison first = compare(cluster, EU, US);
      assertThat(state(cluster, lacking, key)).isEqualTo(state(cluster, whole, key));
      assertThat(first.received() + first.sent()).isEqualTo(1);
      long journal = cluster.node(EU).store().stats().appendedBytes();
      for (RegionName by : List.of(EU, US)) {
        Comparison again = compare(cluster, by, by.equals(EU) ? US : EU);
        assertThat(again.rangesDiffering()).isZero();
        assertThat(again.received() + again.sent()).isZero();
      }
      assertThat(cluster.node(EU).store().stats().appendedBytes()).isEqualTo(journal);
    }
  }

  @Test
  void eachSideHasAVersionThatTheOtherLacks_andOneThatTheOtherHasReplaced() {
    var cluster = cluster(32, ConflictRule.siblings());
    Key key = keyWithHomes(cluster, EU, US);
    MetadataRecord one = gone(key, 1, VersionVector.EMPTY);
    MetadataRecord other = gone(key, 2, VersionVector.EMPTY);
    MetadataRecord both = gone(key, 9, VersionVector.EMPTY);
    MetadataRecord afterOne = gone(key, 5, one.header().version().seen());
    MetadataRecord afterOther = gone(key, 6, other.header().version().seen());
    give(cluster, EU, both, one, afterOther);
    give(cluster, US, both, other, afterOne);
    compare(cluster, EU, US);
    assertThat(state(cluster, EU, key)).isEqualTo(state(cluster, US, key));
    assertThat(dots(state(cluster, EU, key)))
        .containsExactlyInAnyOrder(dot(both), dot(afterOne), dot(afterOther));
    assertThat(compare(cluster, EU, US).rangesDiffering()).isZero();
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#few")
  void whateverVersionsRegionsHave_comparisonsMakeThemAlike_overBadLinksAndThroughCrashes(
      long seed) {
    var cluster = cluster(seed, ConflictRule.siblings());
    RandomGenerator random = cluster.world.fork("story");
    cluster.compareEvery = Duration.ofSeconds(20);
    for (RegionName region : cluster.regions) {
      cluster.stop(region);
      cluster.start(region);
    }
    cluster.network.defaultLink(
        new SimLink(Duration.ofMillis(40), Duration.ofMillis(120), 0.05, 0.05));
    long counter = 0;
    for (int round = 0; round < 40; round++) {
      RegionName region = cluster.regions.get(random.nextInt(3));
      Key key = key(random.nextInt(15));
      MetadataRecord there = known(cluster, region, key);
      VersionVector seen =
          there == null || random.nextInt(3) == 0
              ? VersionVector.EMPTY
              : there
                  .versions()
                  .get(random.nextInt(there.versions().size()))
                  .header()
                  .version()
                  .seen();
      give(cluster, region, gone(key, ++counter, seen));
      if (random.nextInt(4) == 0) {
        write(cluster, region, key(random.nextInt(15)), "its own " + round, null);
      }
      cluster.world.runFor(Duration.ofMillis(random.nextInt(3000)));
      if (random.nextInt(10) == 0) {
        cluster.crash(region);
        cluster.start(region);
      }
    }
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.world.runUntil("convergence", () -> isAlike(cluster) && payloadsAreHome(cluster), LONG);
    assertThat(cluster.allKeys())
        .as(cluster.world.describe("there are conflicts"))
        .anyMatch(key -> state(cluster, EU, key).hasSiblings());
  }

  // ---- Deletes.

  private static void assertForgottenEverywhere(SimCluster cluster, Key key) {
    for (RegionName region : cluster.regions) {
      assertThat(known(cluster, region, key)).as("in %s", region).isNull();
      assertThat(cluster.node(region).store().stats().tombstones()).isZero();
    }
    assertThat(isAlike(cluster)).isTrue();
  }

  @Test
  void deletionsBesideEachOther_areForgottenInAllRegions_andTheKeyCanBeWrittenAnew() {
    var cluster = cluster(41, ConflictRule.siblings());
    Key key = key(1);
    MetadataRecord one = write(cluster, EU, key, "one", null);
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.network.split("eu", "us");
    write(cluster, EU, key, null, one.seen());
    write(cluster, US, key, null, one.seen());
    cluster.network.healAll();
    cluster.world.runUntil(
        "both deletions everywhere",
        () -> cluster.regions.stream().allMatch(r -> dots(known(cluster, r, key)).size() == 2),
        LONG);
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster, key);

    MetadataRecord anew = write(cluster, AP, key, "anew", null);
    cluster.world.runFor(LONG);
    for (RegionName region : cluster.regions) {
      assertThat(dots(known(cluster, region, key))).containsExactly(dot(anew));
    }
  }

  /** By then some regions have forgotten the deletions, and others have not. */
  @Test
  void aWriteThatHasNotSeenTheDeletions_staysAlone_inAllRegions() {
    var cluster = cluster(42, ConflictRule.siblings());
    Key key = key(1);
    MetadataRecord one = write(cluster, EU, key, "one", null);
    cluster.world.runFor(Duration.ofSeconds(1));
    write(cluster, EU, key, null, one.seen());
    write(cluster, US, key, null, one.seen());
    // It says that it has applied them, and is away when the others forget them.
    cluster.world.runFor(Duration.ofSeconds(25));
    cluster.crash(AP, SimDisk.Loss.NONE);
    cluster.world.runUntil(
        "a region has forgotten",
        () -> known(cluster, EU, key) == null || known(cluster, US, key) == null,
        LONG);
    cluster.start(AP);
    assertThat(state(cluster, AP, key).header().isTombstone()).isTrue();
    MetadataRecord late = write(cluster, AP, key, "late", one.seen());
    cluster.world.runUntil(
        "all to be alike",
        () -> cluster.regions.stream().allMatch(r -> dots(known(cluster, r, key)).size() == 1),
        LONG);
    assertThat(isAlike(cluster)).isTrue();
    assertThat(state(cluster, US, key).header()).isEqualTo(late.header());
    assertThat(compare(cluster, EU, AP).rangesDiffering()).isZero();
  }

  @Test
  void anOldDisk_bringsNothingBack_whereThatWasForgotten() {
    var cluster = cluster(43, ConflictRule.siblings());
    Key key = keyWithHomes(cluster, US, AP);
    Key gone = key(1000);
    for (Key each : List.of(key, gone)) {
      write(cluster, US, each, "one", null);
      write(cluster, US, each, "two", null);
    }
    cluster.world.runFor(Duration.ofSeconds(5));
    cluster.crash(EU, SimDisk.Loss.NONE);
    Map<String, byte[]> oldDay = cluster.files(EU);
    cluster.start(EU);
    cluster.world.runFor(Duration.ofSeconds(5));
    for (Key each : List.of(key, gone)) {
      write(cluster, US, each, null, state(cluster, US, each).seen());
    }
    cluster.world.runFor(LONG);
    assertForgottenEverywhere(cluster, key);
    MetadataRecord anew = write(cluster, US, key, "anew", null);
    cluster.world.runFor(Duration.ofSeconds(5));

    cluster.crash(EU);
    cluster.replaceFiles(EU, oldDay);
    cluster.crash(US, SimDisk.Loss.NONE);
    cluster.start(US);
    cluster.start(EU);
    cluster.world.runFor(LONG);
    compare(cluster, EU, US);
    compare(cluster, AP, EU);
    for (RegionName region : List.of(US, AP)) {
      assertThat(dots(known(cluster, region, key))).containsExactly(dot(anew));
      assertThat(known(cluster, region, gone)).isNull();
    }
  }

  /** The journals of others still have it, and what replaced it was the emptied region's own. */
  @Test
  void anEmptiedRegion_isNotSentWhatWasForgottenBesideOthers() {
    var cluster = cluster(44, ConflictRule.siblings());
    Key key = key(1);
    MetadataRecord gone = write(cluster, AP, key, "gone", null);
    MetadataRecord stays = write(cluster, AP, key, "stays", null);
    cluster.world.runFor(Duration.ofSeconds(1));
    write(cluster, EU, key, null, gone.seen());
    cluster.world.runFor(LONG);
    for (RegionName region : cluster.regions) {
      assertThat(dots(known(cluster, region, key))).containsExactly(dot(stays));
    }

    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    cluster.start(EU);
    cluster.world.runFor(LONG);
    for (RegionName region : cluster.regions) {
      assertThat(dots(known(cluster, region, key))).as("in " + region).containsExactly(dot(stays));
    }
    assertThat(isAlike(cluster)).isTrue();
  }

  // ---- Reads.

  @Test
  void theVersionThatIsShown_canNotBeHad_soAnotherIs_asStale() {
    var cluster = cluster(61, ConflictRule.siblings());
    Key key = keyWithHomes(cluster, EU, US);
    MetadataRecord readable = gone(key, 1, VersionVector.EMPTY);
    MetadataRecord lost = gone(key, 2, VersionVector.EMPTY).withoutPayload();
    for (RegionName region : cluster.regions) {
      give(cluster, region, readable, lost);
      assertThat(dot(state(cluster, region, key))).as("shown first").isEqualTo(dot(lost));
    }
    for (RegionName region : cluster.regions) {
      var reading = cluster.node(region).read(null, key);
      cluster.world.runUntil("a read", reading::isDone, LONG);
      assertThat(reading.join())
          .isInstanceOfSatisfying(
              ReadOutcome.Superseded.class,
              older -> assertThat(older.record()).isEqualTo(readable));
      var all = cluster.node(region).siblings(key).toCompletableFuture();
      cluster.world.runUntil("a read of all", all::isDone, LONG);
      assertThat(all).as("all of them is more than there is").isCompletedExceptionally();
    }
  }

  // ---- Merges at the home.

  /**
   * The third region has the header of the merge, which hides what was acknowledged there, when the
   * disk of the home is lost before the backup has heard of anything, and then the backup's.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatAMergeHides_isNotLostWithTheDisksOfHomeAndBackup(boolean homeOnly) {
    ConflictRule rule = ConflictRule.merge("union", OpenConflictsTest::union);
    var cluster = cluster(54, homeOnly ? rule.homeOnly() : rule);
    Key key = keyWithHomes(cluster, EU, US);
    cluster.network.split("us", "eu");
    cluster.network.split("us", "ap");
    cluster.network.split("eu", "ap");
    MetadataRecord hidden = write(cluster, AP, key, "a", null);
    write(cluster, EU, key, "e", null);
    cluster.network.heal("eu", "ap");
    cluster.world.runUntil(
        "the merge, where one of its parts was acknowledged",
        () ->
            !state(cluster, AP, key).hasSiblings()
                && state(cluster, AP, key).header().version().covers(dot(hidden))
                && !dot(state(cluster, AP, key)).equals(dot(hidden)),
        LONG);
    assertThat(known(cluster, US, key)).as("in the backup").isNull();
    assertThat(state(cluster, AP, key).payload()).isEqualTo(Bytes.utf8("a e"));

    for (RegionName lost : List.of(EU, US)) {
      cluster.crash(lost);
      cluster.replaceFiles(lost, Map.of());
      cluster.start(lost);
      cluster.network.healAll();
      cluster.world.runUntil(
          "all to have it",
          () ->
              isAlike(cluster)
                  && cluster.regions.stream()
                      .allMatch(r -> cluster.node(r).store().holdsPayload(key)),
          LONG);
      for (RegionName region : cluster.regions) {
        assertThat(state(cluster, region, key).payload())
            .as("in %s, when %s has lost its disk", region, lost)
            .isEqualTo(Bytes.utf8("a e"));
      }
    }
  }

  /** A peer that was away for long is told of a write that has been merged since. */
  @Test
  void whatIsMerged_isSentWithItsPayload_alsoWhenItWasReplacedAndCompactedMeanwhile() {
    var cluster = new SimCluster(55, 1 << 14, "ap", "eu", "us");
    cluster.conflicts = conflicts(ConflictRule.merge("union", OpenConflictsTest::union));
    cluster.compaction = new CompactionConfig(32L << 20, 0, 64L << 20, Duration.ofMinutes(1));
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    Key key = keyWithHomes(cluster, EU, US);
    MetadataRecord first = write(cluster, AP, key, "first", null);
    cluster.world.runUntil("it is there", () -> known(cluster, US, key) != null, LONG);
    cluster.network.split("us", "ap");
    cluster.network.split("us", "eu");
    write(cluster, AP, key, "first second", first.seen());
    cluster.world.runFor(Duration.ofSeconds(5));
    write(cluster, EU, key, "first second third", state(cluster, EU, key).seen());
    long runs = cluster.node(AP).store().stats().compaction().runs();
    for (int i = 0; i < 400; i++) {
      write(cluster, AP, Key.of("m/filling" + i % 3), "x".repeat(400), null);
    }
    cluster.world.runFor(Duration.ofMinutes(1));
    assertThat(cluster.node(AP).store().stats().compaction().runs()).isGreaterThan(runs);

    // The home, which alone has the third beside ap, is not heard again.
    cluster.network.heal("us", "ap");
    for (int i = 0; i < 500; i++) {
      cluster.world.runFor(Duration.ofMillis(10));
      assertThat(state(cluster, US, key).payload())
          .as(cluster.world.describe("whatever us knows, it has"))
          .isNotNull();
    }
    cluster.world.runUntil("a comparison", () -> isAlike(cluster), LONG);
    assertThat(state(cluster, US, key).payload()).isEqualTo(Bytes.utf8("first second third"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsOpenWhenTheHomeStarts_itMerges_thoughNobodyReads(boolean crash) {
    var cluster = cluster(51, ConflictRule.siblings());
    Key key = keyWithHomes(cluster, EU, US);
    write(cluster, EU, key, "a", null);
    write(cluster, US, key, "b", null);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(state(cluster, EU, key).versions()).hasSize(2);
    cluster.conflicts = conflicts(union());
    for (RegionName region : cluster.regions) {
      if (crash) {
        cluster.crash(region, SimDisk.Loss.NONE);
      } else {
        cluster.stop(region);
      }
    }
    cluster.startAll();
    assertThat(state(cluster, EU, key).versions()).as("still open").hasSize(2);
    cluster.world.runUntil(
        "the merge everywhere",
        () -> cluster.regions.stream().allMatch(r -> !state(cluster, r, key).hasSiblings()),
        LONG);
    MetadataRecord merged = state(cluster, EU, key);
    assertThat(merged.header().writtenIn()).isEqualTo(EU);
    assertThat(merged.payload()).isEqualTo(Bytes.utf8("a b"));
    assertThat(written(cluster, EU)).isEqualTo(1);
    assertThat(written(cluster, US) + written(cluster, AP)).isZero();
    cluster.world.runFor(LONG);
    assertThat(state(cluster, EU, key)).as("once").isEqualTo(merged);
  }

  @Test
  void whatFallsOutOfTheQueueOfMerges_isCounted_andMergedLater() {
    var cluster = new SimCluster(61, 1 << 18, "eu");
    cluster.conflicts = conflicts(union());
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(1));
    int keys = 4_500; // and room for 4,096
    var open = new ArrayList<MetadataRecord>();
    for (int i = 0; i < keys; i++) {
      Sibling later = gone(key(i), 2L * i + 2, VersionVector.EMPTY).versions().get(0);
      Sibling earlier = gone(key(i), 2L * i + 1, VersionVector.EMPTY).versions().get(0);
      open.add(MetadataRecord.of(key(i), List.of(later, earlier)));
    }
    give(cluster, EU, open.toArray(MetadataRecord[]::new));
    var merges = cluster.node(EU).stats().merges();
    assertThat(merges.dropped()).isPositive();
    cluster.world.runUntil(
        "all are merged", () -> cluster.node(EU).store().keysWithSiblings().isEmpty(), LONG);
    assertThat(written(cluster, EU)).isEqualTo(keys);
  }

  private static long written(SimCluster cluster, RegionName region) {
    return cluster.node(region).stats().merges().written();
  }

  @Test
  void afterAMove_theNewHomeMerges_andTheOldDoesNot() {
    var cluster = cluster(52, union());
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "first", null);
    cluster.world.runFor(Duration.ofSeconds(1));
    var moving = cluster.node(EU).moveHome(key, US);
    cluster.world.runUntil("a move", moving::isDone, LONG);
    assertThat(moving.join()).isEqualTo(HomeMoves.Result.DONE);
    cluster.world.runUntil(
        "all regions know the home",
        () ->
            cluster.regions.stream()
                .allMatch(r -> cluster.node(r).homesOf(key).equals(new Homes(US, EU))),
        LONG);

    cluster.network.split("us", "eu");
    cluster.network.split("us", "ap");
    Version seen = state(cluster, EU, key).seen();
    write(cluster, EU, key, "a", seen);
    write(cluster, AP, key, "b", seen);
    cluster.world.runFor(Duration.ofMinutes(3));
    for (RegionName region : List.of(EU, AP)) {
      assertThat(state(cluster, region, key).versions()).as("%s keeps both", region).hasSize(2);
    }
    cluster.network.healAll();
    cluster.world.runUntil(
        "the merge everywhere",
        () ->
            cluster.regions.stream()
                .allMatch(
                    r ->
                        !state(cluster, r, key).hasSiblings()
                            && state(cluster, r, key).header().writtenIn().equals(US)),
        LONG);
    assertThat(state(cluster, US, key).payload()).isEqualTo(Bytes.utf8("a b"));
    assertThat(written(cluster, US)).isPositive();
    assertThat(written(cluster, EU) + written(cluster, AP)).isZero();
    cluster.world.runUntil("payloads at home", () -> payloadsAreHome(cluster), LONG);
    assertThat(isAlike(cluster)).isTrue();
    for (RegionName region : cluster.regions) {
      assertThat(state(cluster, region, key).withoutPayload())
          .isEqualTo(state(cluster, US, key).withoutPayload());
    }
  }

  /** The home moved while the rule kept siblings. */
  @Test
  void whatTheOldHomeLeftOpen_theNewOneCloses() {
    var cluster = cluster(53, ConflictRule.siblings());
    Key key = keyWithHomes(cluster, EU, AP);
    write(cluster, EU, key, "a", null);
    write(cluster, AP, key, "b", null);
    cluster.world.runFor(Duration.ofSeconds(5));
    var moving = cluster.node(EU).moveHome(key, US);
    cluster.world.runUntil("a move", moving::isDone, LONG);
    assertThat(moving.join()).isEqualTo(HomeMoves.Result.DONE);
    cluster.world.runFor(Duration.ofSeconds(5));
    cluster.regions.forEach(cluster::stop);
    cluster.conflicts = conflicts(union());
    // The old home is up alone for a while: it knows that it is not the home any more.
    cluster.start(EU);
    cluster.world.runFor(Duration.ofMinutes(3));
    assertThat(state(cluster, EU, key).versions()).hasSize(2);
    cluster.start(AP);
    cluster.start(US);
    cluster.world.runUntil(
        "the merge everywhere",
        () -> cluster.regions.stream().allMatch(r -> !state(cluster, r, key).hasSiblings()),
        LONG);
    assertThat(state(cluster, AP, key).header().writtenIn()).isEqualTo(US);
    assertThat(written(cluster, EU) + written(cluster, AP)).isZero();
  }
}
