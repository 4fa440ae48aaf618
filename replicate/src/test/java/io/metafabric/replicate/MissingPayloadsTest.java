package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MissingPayloadsTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");

  private final SimWorld world = new SimWorld(1);
  private final SimNode machine = new SimNode(world, "eu");
  private final SerialExecutor loop = machine.scheduler().serial("loop");
  private final RecordStore store =
      RecordStore.open(
          new StoreConfig(
              "test",
              EU,
              new JournalConfig(4096),
              Durabilities.all(Durability.SYNC),
              1 << 16,
              1 << 20,
              64 << 20,
              CompactionConfig.DEFAULT,
              new ConflictConfig(
                  new ConflictRules(Map.of("beside", ConflictRule.siblings())),
                  Duration.ofSeconds(60))),
          machine.disk(),
          machine.clock(),
          machine.random(),
          machine.scheduler().serial("journal"),
          changes -> {});
  private final Map<Key, Double> reads = new HashMap<>();
  private final Map<Key, Integer> copies = new HashMap<>();
  private final List<Key> asked = new ArrayList<>();
  private final Set<Key> heldElsewhere = new HashSet<>();
  private final Set<Dot> versionsHeldElsewhere = new HashSet<>();
  private final Map<Key, CompletableFuture<FetchResult>> answers = new HashMap<>();
  private final MissingPayloads missing =
      new MissingPayloads(
          store,
          loop,
          machine.scheduler().serial("background"),
          header -> true,
          key -> true,
          (key, header) -> copies.getOrDefault(key, 1),
          this::fetch);

  private UnaryOperator<Stamp> stampThere = own -> own;

  private CompletableFuture<FetchResult> fetch(Key key, Header header) {
    asked.add(key);
    CompletableFuture<FetchResult> answer = answers.get(key);
    if (answer != null) {
      return answer;
    }
    return CompletableFuture.completedFuture(
        heldElsewhere.contains(key) || versionsHeldElsewhere.contains(header.version().dot())
            ? new FetchResult.Found(
                record(
                    key,
                    header.version().dot().counter(),
                    stampThere.apply(header.version().stamp())),
                US)
            : new FetchResult.NotHeld(true));
  }

  @BeforeEach
  void settle() {
    world.runFor(Duration.ofMillis(10));
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private MetadataRecord record(Key key, long counter) {
    return record(key, counter, new Stamp(counter << 16));
  }

  private MetadataRecord record(Key key, long counter, Stamp stamp) {
    Bytes payload = Bytes.utf8("value of " + key);
    var version = new Version(dot(counter), VersionVector.EMPTY, stamp);
    return new MetadataRecord(key, Header.value(version, US, payload, Header.NEVER), payload);
  }

  /** Its header comes, without the payload. */
  private void comes(int i) {
    MetadataRecord header = record(key(i), i + 1).withoutPayload();
    CompletableFuture<Boolean> stored = store.applyOne(new Inbound(header, true));
    settle();
    assertThat(stored).isCompletedWithValue(true);
    loop.execute(() -> missing.consider(List.of(header)));
    settle();
  }

  @Test
  void whatNobodyHolds_isAskedForEveryFiveSeconds_howeverManyKeysCameMeanwhile() {
    for (int i = 0; i < 5; i++) {
      comes(i);
      world.runFor(Duration.ofSeconds(1));
    }
    world.runFor(Duration.ofSeconds(10));
    asked.clear();
    world.runFor(Duration.ofSeconds(60));
    for (int i = 0; i < 5; i++) {
      Key key = key(i);
      assertThat(asked).filteredOn(key::equals).hasSizeBetween(11, 13);
    }
  }

  @Test
  void whatIsHeldAgain_isTaken_andNotAskedForAnyMore() {
    comes(0);
    comes(1);
    heldElsewhere.add(key(0));
    world.runFor(Duration.ofSeconds(6));
    assertThat(store.holdsPayload(key(0))).isTrue();
    assertThat(store.holdsPayload(key(1))).isFalse();
    asked.clear();
    heldElsewhere.add(key(1));
    world.runFor(Duration.ofSeconds(60));
    assertThat(asked).containsOnly(key(1)).hasSizeLessThanOrEqualTo(2);
    assertThat(store.holdsPayload(key(1))).isTrue();
  }

  /** Who holds it has a sibling beside it, of which nothing is known here yet. */
  @Test
  void whatCameBesideSomethingStampedTooFarAhead_isAskedForUntilItCanBeTaken() {
    Key key = Key.of("beside/0");
    MetadataRecord lacking = record(key, 1);
    var later = new Stamp((machine.clock().wallMs() + Duration.ofMinutes(5).toMillis()) << 16);
    MetadataRecord ahead = record(key, 2, later);
    MetadataRecord whole = MetadataRecord.of(key, List.of(sibling(ahead), sibling(lacking)));
    answers.put(key, found(whole));
    apply(lacking.withoutPayload());
    loop.execute(() -> missing.consider(List.of(lacking.withoutPayload())));
    world.runFor(Duration.ofMinutes(3));
    assertThat(store.holdsPayload(key)).isFalse();
    assertThat(asked).as("in three minutes").hasSizeBetween(30, 40);

    world.runFor(Duration.ofMinutes(2));
    assertThat(store.read(key)).isEqualTo(whole);
    asked.clear();
    world.runFor(Duration.ofMinutes(1));
    assertThat(asked).isEmpty();
  }

  @Test
  void aSiblingWhosePayloadNobodyHas_doesNotKeepTheOthersFromBeingBrought() {
    Key key = Key.of("beside/0");
    for (int i = 1; i <= 4; i++) {
      apply(record(key, i).withoutPayload());
    }
    loop.execute(missing::start);
    world.runFor(Duration.ofMinutes(1));
    assertThat(versionsHeld(key)).isEmpty();

    versionsHeldElsewhere.add(dot(1));
    versionsHeldElsewhere.add(dot(3));
    world.runFor(Duration.ofSeconds(30));
    assertThat(versionsHeld(key)).containsExactly(dot(3), dot(1));
    asked.clear();
    world.runFor(Duration.ofSeconds(60));
    assertThat(asked).as("every five seconds, for both together").hasSizeBetween(11, 13);
  }

  private static Dot dot(long counter) {
    return new Dot(new ActorId(7), counter);
  }

  /** The versions whose payloads are here. */
  private List<Dot> versionsHeld(Key key) {
    return Objects.requireNonNull(store.read(key)).versions().stream()
        .filter(each -> each.payload() != null)
        .map(each -> each.header().version().dot())
        .toList();
  }

  @Test
  void whatHasFewestCopies_isAskedForFirst_andThenWhatIsReadMost() {
    missing.rebuildBy(new Budget(Long.MAX_VALUE));
    copies.put(key(3), 0);
    reads.put(key(2), 5.0);
    takeAll(List.of(key(0), key(1), key(2), key(3)));
    assertThat(asked).startsWith(key(3), key(2), key(0), key(1));
  }

  @Test
  void noMoreComesThanTheBudgetAllows_andHowFarItGotIsTold() {
    var budget = new Budget(3L * payloadBytes());
    missing.rebuildBy(budget);
    List<Key> all = List.of(key(0), key(1), key(2), key(3), key(4));
    heldElsewhere.addAll(all);
    takeAll(all);
    assertThat(missing.stats()).isEqualTo(new RebuildStats(2, 3, 3L * payloadBytes(), 0));
    budget.left = 10L * payloadBytes();
    world.runFor(Duration.ofSeconds(1));
    assertThat(missing.stats()).isEqualTo(new RebuildStats(0, 5, 5L * payloadBytes(), 0));
    assertThat(budget.left).isEqualTo(8L * payloadBytes());
    assertThat(budget.came).isEqualTo(Map.of(US, 5L * payloadBytes()));
  }

  @Test
  void whatDidNotCome_isNotPaidFor() {
    var budget = new Budget(payloadBytes());
    missing.rebuildBy(budget);
    takeAll(List.of(key(0)));
    world.runFor(Duration.ofSeconds(12));
    assertThat(asked).hasSizeGreaterThan(2);
    assertThat(budget.left).isEqualTo(payloadBytes());
    assertThat(budget.came).isEmpty();
    assertThat(missing.stats().failed()).isEqualTo(asked.size());
    assertThat(missing.stats().outstanding()).isOne();
  }

  private int payloadBytes() {
    return record(key(0), 1).header().payloadBytes();
  }

  /** All at once. */
  private void takeAll(List<Key> keys) {
    var headers = new ArrayList<MetadataRecord>();
    for (Key key : keys) {
      headers.add(record(key, headers.size() + 1).withoutPayload());
      apply(headers.get(headers.size() - 1));
    }
    loop.execute(() -> missing.consider(headers));
    world.runFor(Duration.ofSeconds(1));
  }

  private final class Budget implements Rebuilding {
    final Map<RegionName, Long> came = new TreeMap<>();
    private long left;

    Budget(long left) {
      this.left = left;
    }

    @Override
    public double readsPerSecond(Key key) {
      return reads.getOrDefault(key, 0.0);
    }

    @Override
    public boolean take(long bytes) {
      if (bytes > left) {
        return false;
      }
      left -= bytes;
      return true;
    }

    @Override
    public void giveBack(long bytes) {
      left += bytes;
    }

    @Override
    public void came(RegionName from, long bytes) {
      came.merge(from, bytes, Long::sum);
    }
  }

  private static CompletableFuture<FetchResult> found(MetadataRecord record) {
    return CompletableFuture.completedFuture(new FetchResult.Found(record, US));
  }

  private static Sibling sibling(MetadataRecord record) {
    return new Sibling(record.header(), record.payload());
  }

  @Test
  void aNewerHeaderThatComesWhileAnOlderValueIsFetched_isNotTakenForThatValue() {
    comes(0);
    var underWay = new CompletableFuture<FetchResult>();
    answers.put(key(0), underWay);
    world.runFor(Duration.ofSeconds(6));
    MetadataRecord newer = record(key(0), 9);
    apply(newer.withoutPayload());
    loop.execute(() -> missing.consider(List.of(newer.withoutPayload())));
    settle();
    answers.put(key(0), found(newer));
    loop.execute(() -> underWay.complete(new FetchResult.Found(record(key(0), 1), US)));
    world.runFor(Duration.ofSeconds(6));
    assertThat(store.read(key(0))).matches(each -> each.has(newer.header().version().dot()));
    assertThat(store.holdsPayload(key(0))).isTrue();
  }

  /** While all that is known is looked through. */
  @ParameterizedTest
  @ValueSource(ints = {0, 20, 50, 100, 200, 300, 400, 500, 1000})
  void whatIsGivenASiblingWithItsPayload_isStillLookedFor(int givenAfterMs) {
    world.jitter(Duration.ofMillis(5));
    Key key = Key.of("beside/0");
    apply(record(key, 1).withoutPayload());
    loop.execute(missing::start);
    world.runFor(Duration.ofMillis(givenAfterMs));
    apply(record(key, 2));
    assertThat(store.read(key)).isNotNull().matches(MetadataRecord::hasSiblings);
    world.runFor(Duration.ofSeconds(10));
    assertThat(asked).contains(key);
  }

  private void apply(MetadataRecord record) {
    CompletableFuture<Boolean> stored = store.applyOne(new Inbound(record, true));
    world.runUntil("the record", stored::isDone, Duration.ofMinutes(1));
  }

  @Test
  void whatComesWithAStampThatIsTooFarAhead_isAskedForUntilItsTimeHasCome() {
    comes(0);
    heldElsewhere.add(key(0));
    long nowMs = machine.clock().wallMs();
    stampThere = own -> new Stamp((nowMs + Duration.ofMinutes(5).toMillis()) << 16);
    world.runFor(Duration.ofMinutes(3));
    assertThat(store.holdsPayload(key(0))).isFalse();
    assertThat(asked).as("every five seconds").hasSizeBetween(35, 38);
    world.runFor(Duration.ofMinutes(2));
    assertThat(store.holdsPayload(key(0))).isTrue();
  }
}
