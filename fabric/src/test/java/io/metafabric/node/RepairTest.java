package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.RepairStats;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Regions that differ in what no stream of changes brings: they compare, and are alike again. */
class RepairTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");
  private static final Duration LONG = Duration.ofMinutes(5);

  /** Nobody issues versions under it any more; what it wrote is in no region's stream. */
  private static final ActorId GONE = new ActorId(0x7777);

  private static SimCluster cluster(long seed, String... regions) {
    var cluster = new SimCluster(seed, 1 << 20, regions);
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    return cluster;
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static MetadataRecord written(Key key, long counter, String value) {
    var version =
        new Version(new Dot(GONE, counter), VersionVector.EMPTY, new Stamp(counter << 16));
    Bytes payload = Bytes.utf8(value);
    return new MetadataRecord(key, Header.value(version, EU, payload, Header.NEVER), payload);
  }

  /** By somebody else, later than the other's second write. */
  private static MetadataRecord alsoWritten(Key key, String value) {
    var dot = new Dot(new ActorId(0x8888), 1);
    var version = new Version(dot, VersionVector.EMPTY, new Stamp(3 << 16));
    Bytes payload = Bytes.utf8(value);
    return new MetadataRecord(key, Header.value(version, EU, payload, Header.NEVER), payload);
  }

  private static MetadataRecord after(MetadataRecord before, long counter, String value) {
    var version =
        new Version(
            new Dot(GONE, counter),
            before.header().version().asContext(),
            new Stamp(counter << 16));
    Bytes payload = Bytes.utf8(value);
    return new MetadataRecord(
        before.key(), Header.value(version, EU, payload, Header.NEVER), payload);
  }

  private static void give(SimCluster cluster, RegionName region, List<MetadataRecord> records) {
    var node = cluster.node(region);
    var inbound = new ArrayList<Inbound>();
    for (MetadataRecord record : records) {
      inbound.add(new Inbound(record, true));
    }
    for (int from = 0; from < inbound.size(); from += 2000) {
      var done =
          node.store().applyAll(inbound.subList(from, Math.min(inbound.size(), from + 2000)));
      cluster.world.runUntil("it is there", done::isDone, LONG);
      done.join();
    }
  }

  private static Comparison compare(SimCluster cluster, RegionName one, RegionName other) {
    CompletableFuture<Comparison> comparing = cluster.node(one).compare(other);
    cluster.world.runUntil("the comparison", comparing::isDone, LONG);
    return comparing.join();
  }

  private static RepairStats repair(SimCluster cluster, RegionName of, RegionName with) {
    return cluster.node(of).stats().replication().peers().stream()
        .filter(peer -> peer.region().equals(with))
        .findFirst()
        .orElseThrow()
        .repair();
  }

  /** Asks now and then: these conditions look at every key. */
  private static void runUntil(SimCluster cluster, String what, BooleanSupplier condition) {
    for (int i = 0; i < 600; i++) {
      if (condition.getAsBoolean()) {
        return;
      }
      cluster.world.runFor(Duration.ofMillis(500));
    }
    cluster.traceDifferences();
    throw new AssertionError(cluster.world.describe("no " + what + " after five minutes"));
  }

  private static void write(SimCluster cluster, RegionName region, int key, String value) {
    var written =
        cluster.node(region).write(key(key), Bytes.utf8(value), Header.NEVER, Precondition.NONE);
    cluster.world.runUntil("the write", written::isDone, LONG);
  }

  @Test
  void aRegionWhoseDirectoryWasEmptied_getsItsWritesBack_andDoesNotSayAbsentBefore() {
    emptyADirectory("eu", "us", "ap");
    // Of three one may have given all back before the other one is heard.
    emptyADirectory("eu", "us");
  }

  private void emptyADirectory(String... names) {
    SimCluster cluster = cluster(21, names);
    List<RegionName> others = cluster.regions.stream().filter(name -> !name.equals(EU)).toList();
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; i < 300; i++) {
      write(cluster, EU, i, "value " + i);
    }
    runUntil(cluster, "convergence", cluster::isConverged);
    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    cluster.start(EU);

    var reads = new ArrayList<CompletableFuture<ReadOutcome>>();
    for (int i = 0; i < 300; i++) {
      for (RegionName region : cluster.regions) {
        reads.add(cluster.node(region).read("client", key(i)));
      }
      cluster.world.runFor(Duration.ofMillis(i < 100 ? 1 : 10));
    }
    runUntil(
        cluster,
        "what was lost to be back",
        () ->
            cluster.isConverged()
                && cluster.payloadsAreHome()
                && cluster.allKeys().size() == 300
                && others.stream().noneMatch(other -> repair(cluster, EU, other).lacksOwn()));
    cluster.world.runFor(Duration.ofSeconds(5));
    for (var read : reads) {
      assertThat(read).isDone();
      assertThat(read.join()).isNotInstanceOf(ReadOutcome.Absent.class);
    }
    assertThat(others.stream().mapToLong(other -> repair(cluster, EU, other).received()).sum())
        .as("the others came with reads")
        .isGreaterThan(100);

    cluster.crash(EU);
    cluster.start(EU);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(others)
        .as("it is not behind for ever")
        .noneMatch(other -> repair(cluster, EU, other).lacksOwn());
    var never = cluster.node(EU).read("client", Key.of("n/never"));
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(never.join()).isEqualTo(new ReadOutcome.Absent(false));
  }

  @Test
  void whatOneOfThePeersNeverGot_itGetsFromTheOther() {
    SimCluster cluster = cluster(22, "eu", "us", "ap");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    cluster.network.split("eu", "ap");
    int written = 0;
    for (int i = 0; written < 50; i++) {
      // Of the others only the disk that is lost has the value.
      if (cluster.node(EU).homesOf(key(i)).include(US)) {
        write(cluster, EU, i, "value " + i);
        written++;
      }
    }
    runUntil(cluster, "us to have them", () -> cluster.node(US).store().stats().keys() == 50);
    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    cluster.world.runFor(Duration.ofSeconds(10));
    cluster.network.healAll();
    cluster.start(EU);
    runUntil(
        cluster,
        "all to have them",
        () -> cluster.isConverged() && cluster.allKeys().size() == 50 && cluster.payloadsAreHome());
  }

  @Test
  void whatThePeerCannotRead_isNotTakenForWhatItHasNot() {
    SimCluster cluster = cluster(29, "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; i < 20; i++) {
      write(cluster, EU, i, "value of " + key(i) + ".");
    }
    runUntil(cluster, "convergence", cluster::isConverged);
    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    Key lost = homeIn(cluster, US, EU);
    Runnable mend = damage(cluster, US, "value of " + lost + ".");
    cluster.start(EU);

    cluster.world.runFor(Duration.ofMinutes(1));
    assertThat(knownKeys(cluster, EU)).as("the rest").hasSize(19).doesNotContain(lost);
    assertThat(repair(cluster, EU, US).lacksOwn()).isTrue();
    assertThat(repair(cluster, EU, US).completed()).isZero();
    assertThat(repair(cluster, EU, US).failed()).isPositive();
    var read = cluster.node(EU).read("client", lost);
    cluster.world.runFor(Duration.ofSeconds(10));
    assertThat(read.join()).isNotInstanceOf(ReadOutcome.Absent.class);

    mend.run();
    runUntil(cluster, "all to be back", () -> !repair(cluster, EU, US).lacksOwn());
    assertThat(cluster.node(EU).store().holdsPayload(lost)).isTrue();
    assertThat(isAlike(cluster)).isTrue();
  }

  /** Else its old disk, if it is found again, would hold what eu takes for long deleted. */
  @Test
  void whatThePeerHadBeforeItLostItsDiskToo_isNotTakenForWhatItHasGivenBack() {
    SimCluster cluster = cluster(33, "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; i < 20; i++) {
      write(cluster, EU, i, "value " + i);
    }
    runUntil(cluster, "convergence", cluster::isConverged);
    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    cluster.start(EU);
    cluster.world.runUntil("it to hear", () -> repair(cluster, EU, US).lacksOwn(), LONG);
    cluster.crash(US);
    Map<String, byte[]> before = cluster.files(US);
    cluster.replaceFiles(US, Map.of());
    cluster.start(US);
    runUntil(
        cluster,
        "a comparison of the two empty disks",
        () -> repair(cluster, EU, US).completed() > 0);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(cluster.allKeys()).isEmpty();
    assertThat(repair(cluster, EU, US).lacksOwn()).as("whoever had it has lost it").isFalse();
    assertThat(cluster.node(EU).store().appliedOf(EU)).isEqualTo(VersionVector.EMPTY);

    cluster.crash(US);
    cluster.replaceFiles(US, before);
    cluster.start(US);
    runUntil(
        cluster,
        "all to be back",
        () -> knownKeys(cluster, EU).size() == 20 && !repair(cluster, EU, US).lacksOwn());
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; i < 20; i++) {
      Header header = cluster.node(EU).store().header(key(i));
      assertThat(header).isNotNull().matches(each -> !each.isTombstone());
    }
    assertThat(isAlike(cluster)).isTrue();
  }

  private static Set<Key> knownKeys(SimCluster cluster, RegionName region) {
    var keys = new HashSet<Key>();
    cluster.node(region).store().forEachKey(keys::add);
    return keys;
  }

  /** Of a running region's journal, a byte of what is to be found there once; what mends it. */
  private static Runnable damage(SimCluster cluster, RegionName region, String text) {
    var disk = cluster.machine(region).disk();
    var places = new ArrayList<Runnable>();
    for (String file : disk.list()) {
      String content = new String(disk.contentOf(file), StandardCharsets.ISO_8859_1);
      for (int at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
        places.add(disk.damage(file, at));
      }
    }
    assertThat(places).as("where \"%s\" is", text).hasSize(1);
    return places.get(0);
  }

  @Test
  void aPeerThatHasGivenAllItHas_isComparedAgainOnceAnotherHasToo_notBefore() {
    SimCluster cluster = cluster(25, "eu", "us", "ap");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; i < 50; i++) {
      write(cluster, EU, i, "value " + i);
    }
    runUntil(cluster, "convergence", cluster::isConverged);
    // Nobody takes what it writes now, so no comparison with it comes to its end.
    cluster.machine(US).setSkew(Duration.ofMinutes(4));
    write(cluster, US, 50, "too early");
    cluster.crash(EU);
    cluster.replaceFiles(EU, Map.of());
    var slow = SimLink.perfect(Duration.ofSeconds(1));
    cluster.network.link("eu", "ap", slow);
    cluster.network.link("ap", "eu", slow);
    cluster.start(EU);
    runUntil(cluster, "one to have given it", () -> repair(cluster, EU, AP).completed() == 1);
    cluster.world.runFor(Duration.ofMinutes(1));
    assertThat(repair(cluster, EU, US).lacksOwn()).isTrue();
    assertThat(repair(cluster, EU, US).failed()).isBetween(2L, 10L);
    assertThat(repair(cluster, EU, AP).lacksOwn()).isFalse();
    assertThat(repair(cluster, EU, AP).completed()).isEqualTo(1);

    cluster.machine(US).setSkew(Duration.ZERO);
    runUntil(
        cluster,
        "both to have given what they had, and the first to have been asked again",
        () -> !repair(cluster, EU, US).lacksOwn() && repair(cluster, EU, AP).completed() == 2);
    runUntil(cluster, "convergence", () -> isAlike(cluster) && cluster.allKeys().size() == 51);
  }

  @ParameterizedTest
  @ValueSource(strings = {"eu", "us"})
  void whatWasWrittenLast_isRepairedFirst_whoeverLacksIt(String lacking) {
    SimCluster cluster = cluster(26, "eu", "us");
    cluster.repairBytesPerSecond = 1 << 20;
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    int count = 200;
    String value = "v".repeat(20_000);
    var records = new ArrayList<MetadataRecord>();
    for (int i = 0; i < count; i++) {
      records.add(written(key(i), i + 1, value));
    }
    give(cluster, lacking.equals("eu") ? US : EU, records);
    var filled = cluster.node(new RegionName(lacking)).store();
    var cameMs = new long[count];
    CompletableFuture<Comparison> comparing = cluster.node(EU).compare(US);
    while (!comparing.isDone()) {
      cluster.world.runFor(Duration.ofMillis(20));
      for (int i = 0; i < count; i++) {
        boolean came = cameMs[i] == 0 && filled.holdsPayload(key(i));
        cameMs[i] = came ? cluster.world.nanoTime() / 1_000_000 : cameMs[i];
      }
    }
    assertThat(cameMs).doesNotContain(0);
    assertThat(cameMs[0] - cameMs[count - 1]).as("it takes a while").isGreaterThan(1000);
    // A frame has six of these.
    for (int i = 0; i + 12 < count; i++) {
      assertThat(cameMs[i]).as("%d is older than %d", i, i + 12).isGreaterThan(cameMs[i + 12]);
    }
    assertThat(comparing.join().bytes())
        .isBetween(count * 20_000L, count * 20_000L + count * 600L + 4096);
  }

  /**
   * It begins again by itself, and what has come is there: a cut costs the list of what still
   * differs, and what was under way.
   */
  @Test
  void aComparisonThatIsCutOff_goesOnByItself_andBringsNothingTwice() {
    SimCluster cluster = cluster(27, "eu", "us");
    cluster.repairBytesPerSecond = 1 << 20;
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    int count = 400;
    int valueBytes = 20_000;
    String value = "v".repeat(valueBytes);
    var records = new ArrayList<MetadataRecord>();
    for (int i = 0; i < count; i++) {
      records.add(written(key(i), i + 1, value));
    }
    give(cluster, US, records);
    RepairStats before = repair(cluster, EU, US);
    cluster.network.split("eu", "us");
    cluster.world.runFor(Duration.ofSeconds(10));

    // A connection alone begins it; it is cut off three times.
    int cuts = 3;
    for (int cut = 1; cut <= cuts; cut++) {
      cluster.network.healAll();
      long enough = (long) cut * count / (cuts + 1);
      runUntil(
          cluster,
          cut + " of " + (cuts + 1) + " parts",
          () -> cluster.node(EU).store().stats().keys() >= enough);
      assertThat(repair(cluster, EU, US).running()).as("it is in the middle").isTrue();
      cluster.network.split("eu", "us");
      cluster.world.runFor(Duration.ofSeconds(10));
      assertThat(repair(cluster, EU, US).running()).as("cut off").isFalse();
    }
    assertThat(repair(cluster, EU, US).failed() - before.failed()).isEqualTo(cuts);
    cluster.network.healAll();
    runUntil(cluster, "the rest", () -> isAlike(cluster) && cluster.allKeys().size() == count);

    RepairStats after = repair(cluster, EU, US);
    assertThat(after.completed() - before.completed()).isPositive();
    // A cut loses what was under way: a second's worth of the budget at most.
    long lost = cuts * (long) cluster.repairBytesPerSecond;
    assertThat(after.received() - before.received()).isEqualTo(count);
    assertThat(after.bytes() - before.bytes())
        .as(cluster.world.describe("bytes, %d times as many differences listed".formatted(cuts)))
        .isBetween(
            (long) count * valueBytes,
            (long) count * valueBytes + (cuts + 1) * count * 600L + lost);
  }

  @Test
  void aRegionAlone_answersOnceNobodyWasHeardForThreeGrantedPauses() {
    SimCluster cluster = cluster(23, "eu", "us");
    cluster.start(EU);
    Key ours = homeIn(cluster, EU, EU);
    var read = cluster.node(EU).read("client", ours);
    cluster.world.runFor(Duration.ofMillis(5900));
    assertThat(read).isNotDone();
    cluster.world.runFor(Duration.ofMillis(200));
    assertThat(read.join()).isEqualTo(new ReadOutcome.Absent(false));
  }

  private static Key homeIn(SimCluster cluster, RegionName asked, RegionName home) {
    for (int i = 0; ; i++) {
      if (cluster.node(asked).homesOf(key(i)).home().equals(home)) {
        return key(i);
      }
    }
  }

  /** A copy of an old day is restored, over links that lose, and with crashes in the midst. */
  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#few")
  void aRestoredRegion_comesBackToWhatItsPeersHave(long seed) {
    SimCluster cluster = cluster(seed, "eu", "us", "ap");
    RandomGenerator random = cluster.world.fork("story");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(2));
    for (int i = 0; i < 100; i++) {
      write(cluster, EU, random.nextInt(120), "first " + i);
    }
    cluster.crash(EU);
    Map<String, byte[]> oldDay = cluster.files(EU);
    cluster.start(EU);
    for (int i = 0; i < 150; i++) {
      write(cluster, cluster.regions.get(random.nextInt(2)), random.nextInt(200), "second " + i);
    }
    runUntil(cluster, "convergence", cluster::isConverged);
    var known = cluster.node(US);
    var expected = new ArrayList<Dot>();
    for (Key key : cluster.allKeys()) {
      expected.add(headerOf(known, key).version().dot());
    }

    cluster.crash(EU);
    cluster.replaceFiles(EU, oldDay);
    cluster.network.defaultLink(
        new SimLink(Duration.ofMillis(40), Duration.ofMillis(120), 0.05, 0.05));
    cluster.start(EU);
    for (int i = 0; i < 10; i++) {
      cluster.world.runFor(Duration.ofMillis(random.nextInt(1500)));
      RegionName region = cluster.regions.get(random.nextInt(3));
      if (random.nextInt(3) == 0) {
        cluster.crash(region);
        cluster.world.runFor(Duration.ofMillis(random.nextInt(500)));
        cluster.start(region);
      } else {
        write(cluster, region, 200 + i, "third " + i);
      }
    }
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    runUntil(
        cluster,
        "what was lost to be back",
        () ->
            isAlike(cluster)
                && cluster.payloadsAreHome()
                && !repair(cluster, EU, US).lacksOwn()
                && !repair(cluster, EU, AP).lacksOwn());
    var eu = cluster.node(EU);
    for (Dot dot : expected) {
      assertThat(eu.store().liveDots().compared().records(List.of(dot)))
          .as(cluster.world.describe(dot + " was a key's state before, and nobody wrote it since"))
          .hasSize(1);
    }
  }

  private static Header headerOf(FabricNode<?> node, Key key) {
    Header header = node.store().header(key);
    assertThat(header).isNotNull();
    return header;
  }

  @Test
  void eachSideTakesOnlyWhatIsNewer_andThenThereIsNothingLeft() {
    SimCluster cluster = cluster(24, "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    var inEu = new ArrayList<MetadataRecord>();
    var inUs = new ArrayList<MetadataRecord>();
    for (int i = 0; i < 100; i++) {
      MetadataRecord first = written(key(i), 10 * i + 1, "first " + i);
      MetadataRecord second = after(first, 10 * i + 2, "second " + i);
      inEu.add(i % 4 == 1 ? second : first);
      if (i % 4 != 0) {
        inUs.add(i % 4 == 1 ? first : i % 4 == 2 ? second : written(key(i), 10 * i + 3, "other"));
      }
    }
    give(cluster, EU, inEu);
    give(cluster, US, inUs);
    assertThat(isAlike(cluster)).isFalse();

    Comparison first = compare(cluster, EU, US);
    assertThat(isAlike(cluster)).as(cluster.world.describe("alike")).isTrue();
    assertThat(cluster.payloadsAreHome()).isTrue();
    // Of each four keys: one only in eu, one newer in eu, one newer in us, one later in us.
    assertThat(first.received()).isEqualTo(50);
    assertThat(first.sent()).isEqualTo(50);

    long journalOfEu = cluster.node(EU).store().stats().appendedBytes();
    long journalOfUs = cluster.node(US).store().stats().appendedBytes();
    for (RegionName region : List.of(EU, US)) {
      Comparison again = compare(cluster, region, region.equals(EU) ? US : EU);
      assertThat(again.rangesDiffering()).isZero();
      assertThat(again.received() + again.sent()).isZero();
    }
    assertThat(cluster.node(EU).store().stats().appendedBytes()).isEqualTo(journalOfEu);
    assertThat(cluster.node(US).store().stats().appendedBytes()).isEqualTo(journalOfUs);
  }

  /** At each moment of a comparison one of two siblings is replaced in the peer. */
  @ParameterizedTest
  @ValueSource(ints = {0, 30, 60, 90, 120, 150, 180, 210, 240})
  void whatIsBesideAReplacedSibling_hasComeOnceTheComparisonIsOver(int replacedAfterMs) {
    SimCluster cluster = cluster(27, "eu", "us");
    cluster.conflicts =
        new ConflictConfig(
            new ConflictRules(Map.of("n", ConflictRule.siblings())), Duration.ofSeconds(60));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    MetadataRecord stays = written(key(0), 1, "stays");
    MetadataRecord replaced = alsoWritten(key(0), "replaced");
    give(cluster, US, List.of(stays, replaced));

    CompletableFuture<Comparison> comparing = cluster.node(EU).compare(US);
    cluster.world.runFor(Duration.ofMillis(replacedAfterMs));
    give(cluster, US, List.of(after(replaced, 4, "in its place")));
    cluster.world.runUntil("the comparison", comparing::isDone, LONG);

    comparing.join();
    MetadataRecord known = cluster.node(EU).store().read(key(0));
    assertThat(known).isNotNull();
    assertThat(known.covers(stays.header().version().dot())).as("%s", known).isTrue();
  }

  /** From the listing of what differs to the answer. */
  @ParameterizedTest
  @ValueSource(ints = {120, 150, 180})
  void whatIsReplacedBeforeItIsAskedFor_isKnownAsItWasListed(int replacedAfterMs) {
    SimCluster cluster = cluster(28, "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    MetadataRecord replaced = written(key(0), 1, "replaced");
    give(cluster, US, List.of(replaced));

    CompletableFuture<Comparison> comparing = cluster.node(EU).compare(US);
    cluster.world.runFor(Duration.ofMillis(replacedAfterMs));
    give(cluster, US, List.of(after(replaced, 2, "in its place")));
    cluster.world.runUntil("the comparison", comparing::isDone, LONG);

    comparing.join();
    assertThat(headerOf(cluster.node(EU), key(0))).isEqualTo(replaced.header());
    runUntil(cluster, "convergence", () -> isAlike(cluster) && cluster.payloadsAreHome());
  }

  /** Its payload could go with the peer before it is fetched. */
  @ParameterizedTest
  @ValueSource(ints = {120, 150, 180})
  void ofMergedValues_whatReplacedThemIsBrought_notTheBareHeader(int replacedAfterMs) {
    SimCluster cluster = cluster(29, "eu", "us");
    cluster.conflicts =
        new ConflictConfig(
            new ConflictRules(Map.of("n", ConflictRule.merge("first.1", (one, other) -> one))),
            Duration.ofSeconds(60));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    MetadataRecord replaced = written(key(0), 1, "replaced");
    give(cluster, US, List.of(replaced));

    CompletableFuture<Comparison> comparing = cluster.node(EU).compare(US);
    cluster.world.runFor(Duration.ofMillis(replacedAfterMs));
    MetadataRecord next = after(replaced, 2, "in its place");
    give(cluster, US, List.of(next));
    cluster.world.runUntil("the comparison", comparing::isDone, LONG);

    comparing.join();
    assertThat(cluster.node(EU).store().read(key(0))).isEqualTo(next);
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#few")
  void whateverRegionsHave_comparisonsMakeThemAlike_overBadLinksAndThroughCrashes(long seed) {
    SimCluster cluster = cluster(seed, "eu", "us", "ap");
    cluster.compareEvery = Duration.ofSeconds(20);
    RandomGenerator random = cluster.world.fork("story");
    if (seed % 2 == 1) {
      cluster.world.jitter(Duration.ofMillis(1 + random.nextInt(30)));
    }
    cluster.network.defaultLink(
        new SimLink(Duration.ofMillis(40), Duration.ofMillis(120), 0.05, 0.05));
    cluster.startAll();
    for (int round = 0; round < 6; round++) {
      RegionName region = cluster.regions.get(random.nextInt(3));
      var records = new ArrayList<MetadataRecord>();
      for (int i = 0; i < 60; i++) {
        records.add(
            written(
                key(random.nextInt(150)),
                1 + round * 60L + i,
                "value " + round + " ".repeat(random.nextInt(20) == 0 ? 40_000 : 10)));
      }
      give(cluster, region, records);
      write(cluster, region, random.nextInt(150), "its own " + round);
      cluster.world.runFor(Duration.ofMillis(random.nextInt(10_000)));
      if (random.nextInt(2) == 0) {
        RegionName victim = cluster.regions.get(random.nextInt(3));
        cluster.crash(victim);
        cluster.start(victim);
      }
    }
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    runUntil(cluster, "convergence", () -> isAlike(cluster) && cluster.payloadsAreHome());
  }

  /**
   * Whether the regions have the same writes of the same keys. Contexts may differ: what lost
   * before one of them came to know it is in the others' contexts alone, and harms nobody.
   */
  private static boolean isAlike(SimCluster cluster) {
    long[] first = digests(cluster, EU);
    boolean alike =
        cluster.regions.stream().allMatch(to -> Arrays.equals(first, digests(cluster, to)));
    for (Key key : alike ? cluster.allKeys() : Set.<Key>of()) {
      Dot dot = headerOf(cluster.node(EU), key).version().dot();
      for (RegionName region : cluster.regions) {
        assertThat(headerOf(cluster.node(region), key).version().dot())
            .as(cluster.world.describe("equal digests mean equal writes: " + key))
            .isEqualTo(dot);
      }
    }
    return alike;
  }

  private static long[] digests(SimCluster cluster, RegionName region) {
    return cluster.node(region).store().liveDots().compared().digests(4, new int[] {0});
  }

  /** The bytes do not depend on the machine: those of 1 M keys are in docs/BENCHMARKS.md. */
  @Test
  void equalRegionsCompareInAKilobyte_andAThousandDifferencesCostFewBytesEach() {
    SimCluster cluster = cluster(25, "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    int keys = 100_000;
    var records = new ArrayList<MetadataRecord>();
    for (int i = 0; i < keys; i++) {
      records.add(written(key(i), i + 1, "value " + i + " ".repeat(200)));
    }
    give(cluster, EU, records);
    give(cluster, US, records);

    Comparison equal = compare(cluster, EU, US);
    assertThat(equal.rangesDiffering()).isZero();
    assertThat(equal.bytes()).isLessThan(1200);
    assertThat(equal.took()).isLessThan(Duration.ofMillis(100));

    var newer = new ArrayList<MetadataRecord>();
    long ownBytes = 0;
    for (int i = 0; i < 1000; i++) {
      MetadataRecord next = after(records.get(97 * i), keys + 1 + i, "new " + i + " ".repeat(200));
      newer.add(next);
      ownBytes += RecordCodec.estimatedBytes(next);
    }
    give(cluster, US, newer);
    Comparison behind = compare(cluster, EU, US);
    assertThat(behind.received()).isEqualTo(1000);
    assertThat(behind.sent()).isZero();
    assertThat((behind.bytes() - ownBytes) / 1000).as("bytes a difference").isLessThan(600);
    assertThat(isAlike(cluster)).isTrue();

    give(
        cluster,
        EU,
        newer.stream()
            .map(each -> after(each, each.header().version().dot().counter() + 5000, "x"))
            .toList());
    Comparison ahead = compare(cluster, EU, US);
    assertThat(ahead.sent()).isEqualTo(1000);
    assertThat(ahead.received()).isZero();
    assertThat(ahead.bytes() / 1000).as("bytes a difference, all in all").isLessThan(600);
  }

  @ParameterizedTest
  @ValueSource(strings = {"eu", "us"})
  void howOftenTheIndexIsGoneThrough_doesNotGrowWithWhatDiffers(String lacking) {
    SimCluster cluster = cluster(25, "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    var records = new ArrayList<MetadataRecord>();
    for (int i = 0; i < 25_000; i++) {
      records.add(written(key(i), i + 1, "value " + " ".repeat(200)));
    }
    give(cluster, lacking.equals("eu") ? US : EU, records);
    Comparison comparison = compare(cluster, EU, US);
    assertThat(comparison.received() + comparison.sent()).isEqualTo(25_000);
    assertThat(isAlike(cluster)).isTrue();
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().liveDots().passes())
          .as("passes in %s", region)
          .isLessThanOrEqualTo(4);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"eu", "us"})
  void aLongLink_isFilledWithinTheBudget(String lacking) {
    SimCluster cluster = cluster(25, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(100)));
    cluster.network.window(4 << 20);
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    give(cluster, lacking.equals("eu") ? US : EU, large(4000));
    Comparison comparison = compare(cluster, EU, US);
    assertThat(isAlike(cluster)).isTrue();
    double seconds = comparison.took().toMillis() / 1e3;
    assertThat(comparison.bytes() / seconds)
        .as("bytes a second, of a budget of 8 MiB")
        .isBetween(3.0 * (1 << 20), 8.5 * (1 << 20));
  }

  private static List<MetadataRecord> large(int count) {
    var records = new ArrayList<MetadataRecord>();
    for (int i = 0; i < count; i++) {
      records.add(written(key(i), i + 1, i + "v".repeat(4096)));
    }
    return records;
  }

  /** The link is slower than the budget: what is asked for must not queue up before the rest. */
  @Test
  void onASlowLink_whatIsNewDoesNotWaitForRecordsThatAreRepaired() {
    SimCluster cluster = cluster(25, "eu", "us");
    cluster.network.defaultLink(SimLink.throttled(Duration.ofMillis(20), 1 << 20));
    cluster.network.window(4 << 20);
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    give(cluster, US, large(4000));
    CompletableFuture<Comparison> comparing = cluster.node(EU).compare(US);
    cluster.world.runUntil(
        "records come", () -> cluster.node(EU).store().stats().keys() > 300, LONG);
    for (int i = 10_000; i < 10_015; i++) {
      write(cluster, US, i, "news");
      cluster.world.runFor(Duration.ofMillis(700));
      assertThat(cluster.node(EU).store().header(key(i))).as("%s, by then", key(i)).isNotNull();
    }
    assertThat(comparing).as("it takes longer").isNotDone();
  }

  @Test
  void comparisonsKeepToTheirBudget() {
    SimCluster cluster = cluster(26, "eu", "us");
    cluster.repairBytesPerSecond = 32 << 10;
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    var records = new ArrayList<MetadataRecord>();
    for (int i = 0; i < 500; i++) {
      records.add(written(key(i), i + 1, "value " + i + " ".repeat(1000)));
    }
    give(cluster, US, records);
    Comparison comparison = compare(cluster, EU, US);
    assertThat(isAlike(cluster)).isTrue();
    long leastSeconds = (comparison.bytes() - (160 << 10)) / (32 << 10);
    assertThat(leastSeconds).isGreaterThan(8);
    assertThat(comparison.took()).isGreaterThan(Duration.ofSeconds(leastSeconds));
  }

  @Test
  void aComparisonWithARegionThatIsAway_fails_andOneThatIsInterruptedDoesToo() {
    SimCluster cluster = cluster(27, "eu", "us");
    cluster.start(EU);
    cluster.world.runFor(Duration.ofSeconds(1));
    var away = cluster.node(EU).compare(US);
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThatThrownBy(away::join).hasCauseInstanceOf(RegionUnreachableException.class);

    cluster.start(US);
    cluster.world.runFor(Duration.ofSeconds(20));
    cluster.network.split("eu", "us");
    var interrupted = cluster.node(EU).compare(US);
    cluster.world.runFor(Duration.ofMinutes(1));
    assertThatThrownBy(interrupted::join).hasCauseInstanceOf(RegionUnreachableException.class);
    cluster.network.healAll();
    runUntil(
        cluster,
        "another comparison",
        () -> repair(cluster, EU, US).completed() > 0 && repair(cluster, EU, US).problem() == null);
  }

  @Test
  void aRegionThatAnswersWithLessThanWeKnow_isGivenWhatWeKnow() {
    SimCluster cluster = cluster(28, "ap", "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(20));
    Key key = null;
    for (int i = 0; key == null; i++) {
      var homes = cluster.node(AP).homesOf(key(i));
      key = homes.home().equals(US) && !homes.include(AP) ? key(i) : null;
    }
    give(cluster, AP, List.of(written(key, 5, "only its header is here").withoutPayload()));
    assertThat(cluster.node(US).store().header(key)).isNull();
    var read = cluster.node(AP).read("client", key);
    cluster.world.runFor(Duration.ofSeconds(2));
    assertThat(read.join()).isInstanceOf(ReadOutcome.Unreachable.class);
    assertThat(cluster.node(US).store().header(key)).isEqualTo(headerOf(cluster.node(AP), key));
  }

  /** Nobody can read it any more, wherever clocks may be. */
  @Test
  void aPayloadThatNobodyHas_isNotAskedForLongAfterItHasExpired() {
    SimCluster cluster = cluster(29, "ap", "eu", "us");
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(20));
    Key key = null;
    for (int i = 0; key == null; i++) {
      key = cluster.node(AP).homesOf(key(i)).home().equals(US) ? key(i) : null;
    }
    Bytes payload = Bytes.utf8("lost");
    var version = new Version(new Dot(GONE, 5), VersionVector.EMPTY, new Stamp(5 << 16));
    long expiresAtMs = cluster.machine(US).clock().wallMs() + 60_000;
    Header header = Header.value(version, EU, payload, expiresAtMs);
    for (RegionName region : cluster.regions) {
      give(cluster, region, List.of(new MetadataRecord(key, header, null)));
    }
    cluster.crash(US);
    cluster.start(US);

    runUntil(cluster, "it is looked for", () -> rebuild(cluster).failed() > 0);
    cluster.world.runFor(Duration.ofMillis(70_000 + Header.CLOCKS_DIFFER_MS));
    assertThat(cluster.node(US).store().header(key)).isEqualTo(header);
    assertThat(rebuild(cluster).outstanding()).isZero();
    long failed = rebuild(cluster).failed();
    cluster.crash(US);
    cluster.start(US);
    cluster.world.runFor(LONG);
    assertThat(rebuild(cluster).failed()).as("after a restart too, of before %s", failed).isZero();
  }

  private static RebuildStats rebuild(SimCluster cluster) {
    return cluster.node(US).stats().rebuild();
  }
}
