package io.metafabric.node;

import static io.metafabric.node.SimReads.read;
import static io.metafabric.node.SimReads.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Hedging;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.RoutingConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The home of keys dies while they are read and written in two other regions, and comes back; in
 * virtual time. Nobody acts.
 */
class FailoverTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName ME = new RegionName("me");
  private static final RegionName US = new RegionName("us");
  private static final Duration HEARTBEAT = Duration.ofMillis(500);
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int KEYS = 300;

  /** A read, and when it began and ended. */
  private static final class Timed {
    final long begunNanos;
    final CompletableFuture<ReadOutcome> outcome;
    long endedNanos = Long.MAX_VALUE;

    Timed(long begunNanos, CompletableFuture<ReadOutcome> outcome) {
      this.begunNanos = begunNanos;
      this.outcome = outcome;
    }
  }

  private final SimCluster cluster = new SimCluster(17, 1 << 20, "ap", "eu", "me", "us");
  private final List<Key> keys = new ArrayList<>();
  private int nextKey;

  @BeforeEach
  void homeIsNearerThanTheBackup() {
    cluster.hotTierBytes = 4 << 10;
    // Second requests would answer many of the reads that wait when the home dies.
    cluster.routing = new RoutingConfig(Map.of(), Hedging.OFF);
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(30)));
    for (RegionName reader : List.of(EU, ME)) {
      cluster.network.link(reader.name(), "us", SimLink.perfect(Duration.ofMillis(10)));
      cluster.network.link("us", reader.name(), SimLink.perfect(Duration.ofMillis(10)));
    }
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    for (RegionName region : cluster.regions) {
      cluster.node(region).setPrediction(false);
    }
    for (int i = 0; keys.size() < KEYS; i++) {
      Key key = Key.of("n/" + i);
      var homes = cluster.node(EU).homesOf(key);
      if (homes.home().equals(US) && AP.equals(homes.backup())) {
        write(cluster, US, key, "value of " + key);
        keys.add(key);
      }
    }
    cluster.world.runFor(Duration.ofSeconds(3));
  }

  private PeerState seen(RegionName by) {
    return cluster.node(by).replicator().stats(US).state();
  }

  /** Reads in two regions, every 5 ms, until some time after the first has noticed. */
  private List<Timed> readOn(List<Long> detectedNanos, Duration afterDetection) {
    var reads = new ArrayList<Timed>();
    long stopNanos = Long.MAX_VALUE;
    while (cluster.world.nanoTime() < stopNanos) {
      for (RegionName reader : List.of(EU, ME)) {
        Key key = keys.get(nextKey++ % KEYS);
        var timed = new Timed(cluster.world.nanoTime(), cluster.node(reader).read(null, key));
        timed.outcome.whenComplete((out, e) -> timed.endedNanos = cluster.world.nanoTime());
        reads.add(timed);
      }
      cluster.world.runFor(Duration.ofMillis(5));
      if (detectedNanos.isEmpty() && !seen(EU).isTrusted() && !seen(ME).isTrusted()) {
        detectedNanos.add(cluster.world.nanoTime());
        stopNanos = cluster.world.nanoTime() + afterDetection.toNanos();
      }
      assertThat(reads.size()).as("it is noticed at all").isLessThan(10_000);
    }
    cluster.world.runFor(Duration.ofSeconds(5));
    return reads;
  }

  private void noneFails_andAllGoOnWithinTwoHeartbeats(List<Timed> reads, long detectedNanos) {
    long longestNanos = 0;
    for (Timed read : reads) {
      assertThat(read.outcome).isCompleted();
      assertThat(read.outcome.join()).isInstanceOf(ReadOutcome.Value.class);
      long sinceNanos = read.endedNanos - Math.max(read.begunNanos, detectedNanos);
      longestNanos = Math.max(longestNanos, sinceNanos);
    }
    System.out.printf(
        "%d reads, none failed; after detection the last took %d ms%n",
        reads.size(), longestNanos / 1_000_000);
    assertThat(Duration.ofNanos(longestNanos)).isLessThan(HEARTBEAT.multipliedBy(2));
    // In fact a round trip to the backup, and what it takes to notice in the other reader.
    assertThat(Duration.ofNanos(longestNanos)).isLessThan(Duration.ofMillis(100));
  }

  @Test
  void aRegionThatFallsSilent_isReadAround() {
    cluster.network.split("us", "eu");
    cluster.network.split("us", "me");
    cluster.network.split("us", "ap");
    var detected = new ArrayList<Long>();
    List<Timed> reads = readOn(detected, Duration.ofSeconds(3));
    noneFails_andAllGoOnWithinTwoHeartbeats(reads, detected.get(0));
    assertThat(cluster.node(EU).stats().replication().routing().rerouted()).isPositive();
  }

  @Test
  void aRegionWhoseProcessDies_isReadAround() {
    cluster.crash(US, SimDisk.Loss.SOME);
    var detected = new ArrayList<Long>();
    List<Timed> reads = readOn(detected, Duration.ofSeconds(3));
    noneFails_andAllGoOnWithinTwoHeartbeats(reads, detected.get(0));
  }

  @Test
  void whereOnlyARegionInDoubtHasIt_itIsAskedAllTheSame() {
    // The backup is gone for good, and the home comes and goes too often to be trusted.
    cluster.crash(AP, SimDisk.Loss.NONE);
    for (int i = 0; i < 8; i++) {
      cluster.network.breakConnections("us", "eu");
      cluster.world.runFor(Duration.ofSeconds(2));
    }
    assertThat(seen(EU)).isEqualTo(PeerState.SUSPECT);
    long begun = cluster.world.nanoTime();
    assertThat(read(cluster, EU, keys.get(0))).isEqualTo("value of " + keys.get(0));
    assertThat(Duration.ofNanos(cluster.world.nanoTime() - begun))
        .isLessThan(Duration.ofMillis(100));
  }

  @Test
  void aCopyOfWhichTheReaderWasNotTold_isFoundWhenHomeAndBackupAreGone() {
    Key key = keys.get(0);
    cluster.stop(ME);
    cluster.hotTierBytes = 64 << 10; // with room for copies, which the others' have not
    cluster.start(ME);
    cluster.world.runFor(Duration.ofSeconds(10));
    assertThat(read(cluster, ME, key)).isEqualTo("value of " + key);
    cluster.crash(US, SimDisk.Loss.NONE);
    cluster.network.split("ap", "eu");
    cluster.network.split("ap", "me");
    long begun = cluster.world.nanoTime();
    cluster.world.runUntil(
        "the silent one is suspected too",
        () -> !cluster.node(EU).replicator().stats(AP).state().isTrusted(),
        PATIENCE);
    assertThat(Duration.ofNanos(cluster.world.nanoTime() - begun))
        .isLessThan(Duration.ofSeconds(4));

    begun = cluster.world.nanoTime();
    assertThat(read(cluster, EU, key)).isEqualTo("value of " + key);
    assertThat(Duration.ofNanos(cluster.world.nanoTime() - begun))
        .as("it does not wait for the backup, which is still connected")
        .isLessThan(Duration.ofMillis(100));
  }

  @Test
  void whatIsWantedAhead_isNotWaitedForFromARegionInDoubt() {
    cluster.network.split("us", "eu");
    var came = new ArrayList<FetchResult>();
    int sent = 0;
    while (seen(EU).isTrusted()) {
      Key key = keys.get(sent++);
      var header = cluster.node(EU).store().header(key);
      assertThat(header).isNotNull();
      cluster.node(EU).replicator().prefetch(Map.of(key, header), (k, result) -> came.add(result));
      cluster.world.runFor(Duration.ofMillis(50));
    }
    assertThat(came).hasSize(sent).allMatch(FetchResult.Unreachable.class::isInstance);
  }

  private CompletableFuture<FetchResult> fetch(RegionName reader, Key key) {
    FabricNode<MetadataRecord> node = cluster.node(reader);
    return node.replicator().fetch(key, node.store().header(key));
  }

  private RegionName whoAnswers(RegionName reader, Key key) {
    var fetching = fetch(reader, key);
    cluster.world.runUntil("an answer", fetching::isDone, PATIENCE);
    return ((FetchResult.Found) fetching.join()).from();
  }

  @Test
  void aRegionThatFlaps_isLeftAloneForLonger_andAskedAgainOnceItIsCalm() {
    assertThat(whoAnswers(EU, keys.get(0))).isEqualTo(US);
    int failed = 0;
    int fromHome = 0;
    for (int i = 0; i < 60; i++) {
      cluster.network.breakConnections("us", "eu");
      cluster.world.runFor(Duration.ofSeconds(2));
      RegionName from = whoAnswers(EU, keys.get(i));
      fromHome += from.equals(US) ? 1 : 0;
      failed += read(cluster, EU, keys.get(i)).equals("value of " + keys.get(i)) ? 0 : 1;
    }
    assertThat(failed).isZero();
    assertThat(fromHome).as("of 60").isLessThan(8);
    var stats = cluster.node(EU).replicator().stats(US);
    assertThat(stats.flaps()).isBetween(3L, 8L);
    assertThat(stats.probationMs()).isBetween(3_000L, 32_000L);

    cluster.world.runUntil("it is trusted again", () -> seen(EU).isTrusted(), PATIENCE);
    assertThat(whoAnswers(EU, keys.get(0))).isEqualTo(US);
  }

  private CompletableFuture<MetadataRecord> writing(Key key, String value, Precondition condition) {
    return cluster.node(ME).write(key, Bytes.utf8(value), Header.NEVER, condition);
  }

  @Test
  void writesGoOn_theBackupHoldsThem_andTheHomeTakesOverAgainByItself() {
    cluster.crash(US, SimDisk.Loss.SOME);
    cluster.world.runUntil("all know", () -> !seen(ME).isTrusted(), PATIENCE);

    List<Key> written = keys.subList(0, 50);
    for (Key key : written) {
      write(cluster, ME, key, "new " + key);
    }
    Key replaced = keys.get(60);
    var before = cluster.node(ME).store().header(replaced);
    assertThat(before).isNotNull();
    var replacing = writing(replaced, "replaced", Precondition.version(before.version()));
    Key fresh = keyThatNobodyWrote();
    var creating = writing(fresh, "created", Precondition.ABSENT);
    Key removed = keys.get(61);
    write(cluster, ME, removed, null);
    cluster.world.runUntil("done", () -> replacing.isDone() && creating.isDone(), PATIENCE);
    assertThat(replacing.join()).isNotNull();
    assertThat(creating.join()).isNotNull();
    var concern =
        cluster
            .node(ME)
            .guarantees()
            .acknowledgements()
            .durable(
                fresh,
                creating.join().header().version(),
                WriteConcern.ONE_OTHER_REGION,
                Duration.ofSeconds(5));
    cluster.world.runUntil("another region has it", concern::isDone, PATIENCE);
    assertThat(concern).isCompleted();

    for (Key key : written) {
      assertThat(cluster.node(AP).store().holdsPayload(key)).isTrue();
      assertThat(read(cluster, EU, key)).isEqualTo("new " + key);
    }
    assertThat(read(cluster, EU, replaced)).isEqualTo("replaced");
    assertThat(read(cluster, EU, fresh)).isEqualTo("created");
    assertThat(read(cluster, EU, removed)).isEqualTo("absent");

    cluster.start(US);
    for (int i = 0; i < 120 && !isAllWell(); i++) {
      cluster.world.runFor(Duration.ofMillis(500));
    }
    assertThat(isAllWell()).as("it has caught up").isTrue();
    // No payload that was never replaced was moved for it, and it is the home as before.
    assertThat(cluster.node(EU).movedHome(written.get(0)).epoch()).isZero();
    assertThat(IntStream.range(0, 50).mapToObj(i -> whoAnswers(EU, written.get(i))))
        .as("it is the nearest")
        .containsOnly(US);
    assertThat(cluster.node(US).replicator().answersFor(removed)).isTrue();
  }

  private boolean isAllWell() {
    return seen(EU) == PeerState.IN_SYNC && cluster.payloadsAreHome() && cluster.isConverged();
  }

  private Key keyThatNobodyWrote() {
    for (int i = 1_000_000; ; i++) {
      Key key = Key.of("n/" + i);
      var homes = cluster.node(EU).homesOf(key);
      if (homes.home().equals(US) && AP.equals(homes.backup())) {
        return key;
      }
    }
  }
}
