package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whoever reads after a write has returned reads it, whatever is under way for others. */
class ReadYourWritesTest {
  private static final RegionName EU = new RegionName("eu");

  private final SimCluster cluster = new SimCluster(5, 16 << 10, "eu", "us", "ap");
  private FabricNode<MetadataRecord> eu;
  private Key key;

  /** A key whose header is known in eu, and its payload is not. */
  @BeforeEach
  void open() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(100)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    eu = cluster.node(EU);
    key = keyOfOthers();
    cluster
        .node(new RegionName("us"))
        .write(key, Bytes.utf8("first"), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(Duration.ofSeconds(2));
    assertThat(eu.store().header(key)).isNotNull();
    assertThat(eu.store().holdsPayload(key)).isFalse();
  }

  private Key keyOfOthers() {
    for (int i = 0; ; i++) {
      Key candidate = Key.of("n/" + i);
      if (!eu.homesOf(candidate).include(EU)) {
        return candidate;
      }
    }
  }

  private @Nullable MetadataRecord write(@Nullable Bytes payload, Precondition condition) {
    var writing = eu.write(key, payload, Header.NEVER, condition);
    cluster.world.runUntil("the write", writing::isDone, Duration.ofMillis(50));
    return writing.join();
  }

  private ReadOutcome ended(CompletableFuture<ReadOutcome> reading) {
    cluster.world.runUntil("the read", reading::isDone, Duration.ofSeconds(10));
    return reading.join();
  }

  @Test
  void afterARemoval_nothingIsThere_thoughAnotherReaderStillWaitsForTheValue() {
    CompletableFuture<ReadOutcome> early = eu.read("other", key);
    cluster.world.runFor(Duration.ofMillis(20));
    assertThat(write(null, Precondition.VISIBLE)).isNotNull();
    assertThat(early).isNotDone();

    assertThat(eu.hit("me", key.path())).isNull();
    assertThat(ended(eu.read("me", key))).isEqualTo(new ReadOutcome.Absent(true));

    assertThat(ended(early)).as("it has arrived late").isEqualTo(new ReadOutcome.Absent(true));
    assertThat(eu.hotTier().peek(key)).as("and is shown to nobody").isNull();
  }

  @Test
  void afterAPut_itsValueIsThere_evenIfTheHotTierDoesNotTakeIt() {
    CompletableFuture<ReadOutcome> early = eu.read("other", key);
    cluster.world.runFor(Duration.ofMillis(20));
    var large = Bytes.copyOf(new byte[60_000]);
    write(large, Precondition.NONE);
    assertThat(early).isNotDone();
    assertThat(eu.hit("me", key.path())).isNull();

    for (CompletableFuture<ReadOutcome> each : List.of(eu.read("me", key), early)) {
      assertThat(ended(each))
          .isInstanceOfSatisfying(
              ReadOutcome.Value.class,
              value -> assertThat(value.record().payload()).isEqualTo(large));
    }
  }

  /** The region that gives the value has not heard yet of what it has won over. */
  @Test
  void afterAPutThatLost_theValueThatWon_hasAVersionThatCoversIt() {
    var lossy = new SimLink(Duration.ofMillis(100), Duration.ZERO, 1, 0);
    cluster.network.link("eu", "us", lossy);
    cluster.network.link("eu", "ap", lossy);
    var lost = write(Bytes.utf8("earlier"), Precondition.NONE).header().version().dot();
    cluster.world.runFor(Duration.ofMillis(10));
    var us = cluster.node(new RegionName("us"));
    var won =
        us.write(key, Bytes.utf8("later"), Header.NEVER, Precondition.NONE)
            .thenApply(record -> record.header().version().dot());
    cluster.world.runUntil(
        "its header",
        () -> won.isDone() && eu.store().isCurrent(key, won.join()),
        Duration.ofSeconds(1));
    cluster.network.link("eu", "us", SimLink.perfect(Duration.ofMillis(100)));
    cluster.network.link("eu", "ap", SimLink.perfect(Duration.ofMillis(100)));
    assertThat(us.store().header(key).version().covers(lost)).isFalse();

    ReadOutcome first = ended(eu.read("me", key));
    assertThat(first)
        .isInstanceOfSatisfying(
            ReadOutcome.Value.class,
            value -> {
              assertThat(value.record().payload()).isEqualTo(Bytes.utf8("later"));
              assertThat(value.record().header()).isEqualTo(eu.store().header(key));
              assertThat(value.record().header().version().covers(lost)).isTrue();
            });
    assertThat(eu.hotTier().peek(key).header()).isEqualTo(eu.store().header(key));
  }

  @Test
  void whoIsToldThatThereIsAValue_canReadIt() {
    Key fresh = Key.of("fresh/1");
    var one = eu.write(fresh, Bytes.utf8("one"), Header.NEVER, Precondition.ABSENT);
    var two = eu.write(fresh, Bytes.utf8("two"), Header.NEVER, Precondition.ABSENT);
    assertThat(two).as("not before the first is published").isNotDone();
    cluster.world.runUntil("the second", two::isDone, Duration.ofSeconds(1));
    assertThat(two.join()).isNull();
    assertThat(one).isDone();
    assertThat(eu.store().holdsPayload(fresh)).isTrue();
  }

  @Test
  void whoIsDeclinedForAWriteThatFails_isToldOfTheFailure() {
    Key fresh = Key.of("fresh/1");
    var disk = cluster.machine(EU).disk();
    disk.setCapacityBytes(disk.usedBytes());
    var one = eu.write(fresh, Bytes.copyOf(new byte[60_000]), Header.NEVER, Precondition.ABSENT);
    var two = eu.write(fresh, Bytes.utf8("two"), Header.NEVER, Precondition.ABSENT);
    cluster.world.runUntil("both", () -> one.isDone() && two.isDone(), Duration.ofSeconds(1));
    for (var each : List.of(one, two)) {
      assertThat(each)
          .failsWithin(Duration.ZERO)
          .withThrowableOfType(ExecutionException.class)
          .withCauseInstanceOf(StorageFullException.class);
    }
    assertThat(eu.store().header(fresh)).isNull();
  }
}
