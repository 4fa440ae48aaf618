package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.replicate.FetchResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Prefetches over a link that is no faster than they are large. */
class DemandFirstTest {
  private static final RegionName HOME = new RegionName("eu");
  private static final RegionName READER = new RegionName("me");
  private static final int RECORDS = 100;
  private static final int PAYLOAD_BYTES = 4_000;

  /** What fits the window of the link beside a reply: it is on its way, and cannot be overtaken. */
  private static final int UNDER_WAY = (64 + 2 * 20) * 1024 / PAYLOAD_BYTES;

  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final SimCluster cluster = new SimCluster(11, 4 << 20, "eu", "me", "us");
  private final List<Key> keys = new ArrayList<>();
  private final Map<Key, FetchResult> results = new LinkedHashMap<>();
  private int answers;

  @BeforeEach
  void open() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(10)));
    cluster.startAll();
    cluster.regions.forEach(region -> cluster.node(region).setPrediction(false));
    cluster.world.runFor(Duration.ofSeconds(3));
    for (int i = 0; keys.size() < RECORDS; i++) {
      Key key = Key.of("n/" + i);
      if (cluster.node(HOME).homesOf(key).home().equals(HOME)
          && !cluster.node(HOME).homesOf(key).include(READER)) {
        keys.add(key);
        write(key, 1);
      }
    }
    cluster.world.runUntil("the headers are known", this::isKnown, PATIENCE);
    cluster.world.runFor(Duration.ofSeconds(10));
    cluster.network.link("eu", "me", SimLink.throttled(Duration.ofMillis(10), 1 << 20));
  }

  private void write(Key key, int fill) {
    var payload = new byte[PAYLOAD_BYTES];
    payload[0] = (byte) fill;
    cluster.node(HOME).write(key, Bytes.copyOf(payload), Header.NEVER, Precondition.NONE);
  }

  private boolean isKnown() {
    return keys.stream().allMatch(key -> cluster.node(READER).store().header(key) != null);
  }

  private void prefetch(List<Key> wanted) {
    var headers = new LinkedHashMap<Key, Header>();
    wanted.forEach(key -> headers.put(key, cluster.node(READER).store().header(key)));
    cluster
        .node(READER)
        .replicator()
        .prefetch(
            headers,
            (key, result) -> {
              answers++;
              results.put(key, result);
            });
    // Until the first has come, and the rest waits there.
    cluster.world.runUntil("the first", () -> answers > 0, PATIENCE);
  }

  private void awaitAll(int count) {
    cluster.world.runUntil("all are answered", () -> results.size() == count, PATIENCE);
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(answers).as("each once").isEqualTo(count);
  }

  private long sentBytes() {
    return cluster.node(HOME).stats().transport().sentBytes();
  }

  @Test
  void aReadThatComesLater_isAnsweredBeforeWhatIsWantedAhead() {
    Key read = keys.get(RECORDS - 1);
    prefetch(keys.subList(0, RECORDS - 1));
    var reading = cluster.node(READER).read(null, read);
    cluster.world.runUntil("the read", reading::isDone, PATIENCE);

    assertThat(reading.join()).isInstanceOf(ReadOutcome.Value.class);
    assertThat(answers).as("that came before").isLessThan(2 * UNDER_WAY);
    awaitAll(RECORDS - 1);
    assertThat(results.values())
        .allSatisfy(result -> assertThat(result).isInstanceOf(FetchResult.Found.class));
  }

  @Test
  void aKeyThatIsHurried_comesNext_andNothingTwice() {
    long sentBefore = sentBytes();
    prefetch(keys);
    Key last = keys.get(RECORDS - 1);
    for (int i = 0; i < 3; i++) {
      cluster.node(READER).replicator().hurry(last);
    }
    cluster.node(READER).replicator().hurry(keys.get(0));
    cluster.world.runUntil("it has come", () -> results.containsKey(last), PATIENCE);

    assertThat(answers).as("that came before").isLessThan(2 * UNDER_WAY);
    awaitAll(RECORDS);
    assertThat(cluster.node(READER).stats().replication().prefetchesHurried()).isEqualTo(1);
    assertThat(sentBytes() - sentBefore).isLessThan((long) (1.1 * RECORDS * PAYLOAD_BYTES));
    assertThat(results.get(last)).isInstanceOf(FetchResult.Found.class);
  }

  @Test
  void whatIsOvertakenByANewerVersion_isNotSent() {
    long sentBefore = sentBytes();
    prefetch(keys);
    List<Key> overtaken = keys.subList(RECORDS / 2, RECORDS);
    overtaken.forEach(key -> write(key, 2));
    awaitAll(RECORDS);

    long cancelled =
        results.values().stream().filter(FetchResult.Overtaken.class::isInstance).count();
    assertThat(cancelled).isGreaterThan(RECORDS / 4);
    assertThat(cluster.node(READER).stats().replication().prefetchesCancelled())
        .isEqualTo(cancelled);
    assertThat(results.keySet().stream().filter(this::isOvertaken).toList()).isSubsetOf(overtaken);
    // Headers go to both others, payloads to the backup as well.
    long written = (long) overtaken.size() * (PAYLOAD_BYTES + 400);
    assertThat(sentBytes() - sentBefore - written)
        .isLessThan((long) (1.1 * (RECORDS - cancelled + 10) * PAYLOAD_BYTES));
  }

  @Test
  void whenPredictionIsSwitchedOff_whatIsUnderWayIsCalledOff_butNotWhatAReadWaitsFor() {
    cluster.node(READER).setPrediction(true);
    long sentBefore = sentBytes();
    prefetch(keys);
    Key hurried = keys.get(RECORDS - 1);
    cluster.node(READER).replicator().hurry(hurried);
    cluster.world.runFor(Duration.ofMillis(30));
    assertThat(memory(READER, "prefetches under way")).isPositive();
    assertThat(memory(HOME, "prefetches of peers that wait")).isPositive();
    cluster.node(READER).setPrediction(false);
    awaitAll(RECORDS);

    assertThat(results.get(hurried)).isInstanceOf(FetchResult.Found.class);
    long cancelled =
        results.values().stream().filter(FetchResult.Overtaken.class::isInstance).count();
    assertThat(cancelled).isGreaterThan(RECORDS / 4);
    assertThat(sentBytes() - sentBefore)
        .as("sent before, or on its way when it was called off")
        .isLessThan((long) (1.1 * (RECORDS - cancelled + UNDER_WAY) * PAYLOAD_BYTES));
    assertThat(memory(READER, "prefetches under way")).isZero();
    assertThat(memory(HOME, "prefetches of peers that wait")).isZero();
  }

  private long memory(RegionName region, String what) {
    return cluster.node(region).stats().memory().stream()
        .filter(use -> use.what().equals(what))
        .peek(use -> assertThat(use.bytes()).isLessThanOrEqualTo(use.maxBytes()))
        .mapToLong(MemoryUse::bytes)
        .sum();
  }

  private boolean isOvertaken(Key key) {
    return results.get(key) instanceof FetchResult.Overtaken;
  }

  @Test
  void aConnectionThatBreaks_endsThePrefetch_andTheNextIsServed() {
    prefetch(keys.subList(0, RECORDS / 2));
    cluster.network.breakConnections("eu", "me");
    awaitAll(RECORDS / 2);
    assertThat(results.values().stream().filter(FetchResult.Unreachable.class::isInstance))
        .isNotEmpty();

    cluster.world.runFor(Duration.ofSeconds(10));
    results.clear();
    answers = 0;
    prefetch(keys.subList(RECORDS / 2, RECORDS));
    awaitAll(RECORDS / 2);
    assertThat(results.values())
        .allSatisfy(result -> assertThat(result).isInstanceOf(FetchResult.Found.class));
  }
}
