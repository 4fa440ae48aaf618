package io.metafabric.node;

import static io.metafabric.node.SimReads.read;
import static io.metafabric.node.SimReads.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.MoveOutcome;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read when the newest value is out of reach, in four regions. */
class SupersededReadTest {
  private static final RegionName HOME = new RegionName("eu");
  private static final RegionName BACKUP = new RegionName("ap");
  private static final RegionName WRITER = new RegionName("us");
  private static final RegionName READER = new RegionName("me");

  private final SimCluster cluster = new SimCluster(7, 1 << 16, "ap", "eu", "me", "us");
  private Key key;

  @BeforeEach
  void open() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(30)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    key = SimReads.keyWithHomes(cluster, HOME, BACKUP);
  }

  private void settle() {
    cluster.world.runFor(Duration.ofSeconds(12));
  }

  /** The reader hears of what the writer writes, home and backup do not. */
  private void separateWriterFromHomes() {
    cluster.network.split("us", "eu");
    cluster.network.split("us", "ap");
  }

  @Test
  void aWriterThatDiesBeforeTheHomeGotIt_leavesTheHomesValue_flagged_untilItReturns() {
    write(cluster, HOME, key, "one");
    settle();
    separateWriterFromHomes();
    write(cluster, WRITER, key, "two");
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(read(cluster, READER, key)).as("the writer itself has it").isEqualTo("two");
    cluster.stop(READER);
    cluster.start(READER);
    cluster.world.runFor(Duration.ofSeconds(5));
    cluster.crash(WRITER);
    settle();

    assertThat(cluster.node(READER).store().substitute(key).held()).isNull();
    assertThat(read(cluster, READER, key)).isEqualTo("stale one");
    assertThat(cluster.node(READER).stats().supersededReads()).isEqualTo(1);
    assertThat(cluster.node(READER).hotTier().peek(key)).as("it is not taken for new").isNull();
    assertThat(read(cluster, HOME, key))
        .as("the home was told of another by the region that asked it for that")
        .isEqualTo("stale one");

    cluster.start(WRITER);
    cluster.network.healAll();
    settle();
    for (RegionName region : cluster.regions) {
      assertThat(read(cluster, region, key)).as("in %s", region).isEqualTo("two");
    }
  }

  @Test
  void aCopyInMemory_isShown_flagged_ifItsSuccessorIsOutOfReach() {
    write(cluster, HOME, key, "one");
    settle();
    assertThat(read(cluster, READER, key)).isEqualTo("one");
    // Only the header gets through: the payload would have been pushed by the home.
    cluster.network.split("me", "eu");
    cluster.network.split("us", "eu");
    cluster.network.split("us", "ap");
    write(cluster, WRITER, key, "two");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.network.split("me", "us");
    cluster.network.split("me", "ap");
    settle();

    assertThat(cluster.node(READER).hit(null, key.path())).isNull();
    assertThat(read(cluster, READER, key)).isEqualTo("stale one");
    assertThat(cluster.node(READER).stats().memory())
        .filteredOn(use -> use.what().equals("superseded copies"))
        .singleElement()
        .satisfies(use -> assertThat(use.bytes()).isBetween(100L, use.maxBytes()));

    cluster.network.healAll();
    settle();
    assertThat(read(cluster, READER, key)).isEqualTo("two");
    assertThat(cluster.node(READER).stats().memory())
        .filteredOn(use -> use.what().equals("superseded copies"))
        .singleElement()
        .satisfies(use -> assertThat(use.bytes()).isZero());
  }

  /** The region keeps what it wrote itself, also over a crash, when a header takes its place. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anOwnWriteThatAnotherRegionReplaced_staysReadable_flagged(boolean crashes) {
    cluster.node(HOME).setPrediction(false); // so that it sends a header alone
    write(cluster, READER, key, "mine");
    settle();
    write(cluster, HOME, key, "newer");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.world.runUntil(
        "its header",
        () -> cluster.node(READER).store().header(key).writtenIn().equals(HOME),
        Duration.ofSeconds(10));
    for (String other : new String[] {"ap", "eu", "us"}) {
      cluster.network.split("me", other);
    }
    settle();
    if (crashes) {
      cluster.machine(READER).crash(SimDisk.Loss.ALL);
      cluster.crash(READER);
      cluster.start(READER);
    }
    assertThat(read(cluster, READER, key)).isEqualTo("stale mine");
    assertThat(cluster.node(READER).store().substitute(key).held().payload())
        .isEqualTo(Bytes.utf8("mine"));
    cluster.network.healAll();
    settle();
    assertThat(read(cluster, READER, key)).isEqualTo("newer");
  }

  @Test
  void whatWasRemoved_isNotShown_whereTheRemoveIsKnown() {
    write(cluster, HOME, key, "one");
    settle();
    assertThat(read(cluster, READER, key)).isEqualTo("one");
    separateWriterFromHomes();
    write(cluster, WRITER, key, null);
    write(cluster, WRITER, key, "two");
    cluster.world.runUntil(
        "the header of the second",
        () -> cluster.node(READER).store().header(key).writtenIn().equals(WRITER),
        Duration.ofSeconds(10));
    cluster.crash(WRITER);
    settle();
    assertThat(cluster.node(READER).store().header(key).isTombstone()).isFalse();
    assertThat(read(cluster, READER, key))
        .as("home and backup have the first, which this region knows to have been removed")
        .isEqualTo("unreachable");
    assertThat(read(cluster, HOME, key))
        .as("the home was told of the second, and not of the removal")
        .isEqualTo("stale one");
  }

  @Test
  void whatHasExpired_isNotShown() {
    long soon = cluster.machine(HOME).clock().wallMs() + 60_000;
    cluster.node(HOME).write(key, Bytes.utf8("one"), soon, Precondition.NONE);
    settle();
    separateWriterFromHomes();
    write(cluster, WRITER, key, "two");
    cluster.world.runFor(Duration.ofSeconds(1));
    cluster.crash(WRITER);
    settle();
    assertThat(read(cluster, READER, key)).isEqualTo("stale one");
    cluster.world.runFor(Duration.ofMinutes(1));
    assertThat(read(cluster, READER, key)).isEqualTo("unreachable");
  }

  @Test
  void aHomeDoesNotMove_withAnOlderValue() {
    write(cluster, HOME, key, "one");
    settle();
    // Who writes takes another region for the home, and this one gets the header alone.
    cluster.network.split("us", "eu");
    var moving = cluster.node(HOME).moveHome(key, READER);
    cluster.world.runUntil("a move", moving::isDone, Duration.ofMinutes(1));
    assertThat(moving.join().outcome()).isEqualTo(MoveOutcome.DONE);
    cluster.network.split("us", "ap");
    write(cluster, WRITER, key, "two");
    cluster.world.runFor(Duration.ofMillis(40));
    cluster.crash(WRITER);
    settle();
    assertThat(cluster.node(READER).homesOf(key).home()).isEqualTo(READER);
    assertThat(cluster.node(READER).store().header(key).writtenIn()).isEqualTo(WRITER);
    assertThat(read(cluster, READER, key)).isEqualTo("stale one");

    var again = cluster.node(READER).moveHome(key, BACKUP);
    cluster.world.runUntil("a second move", again::isDone, Duration.ofMinutes(1));
    assertThat(again.join().outcome()).isNotEqualTo(MoveOutcome.DONE);
    assertThat(cluster.node(READER).homesOf(key).home()).isEqualTo(READER);

    cluster.start(WRITER);
    cluster.network.healAll();
    settle();
    assertThat(read(cluster, READER, key)).isEqualTo("two");
    assertThat(cluster.node(READER).store().holdsPayload(key)).isTrue();
  }

  /** Not home, backup or writer: all others are asked at last. */
  @Test
  void aCopyThatOnlyAnotherRegionHas_isFound() {
    write(cluster, WRITER, key, "one");
    settle();
    assertThat(read(cluster, READER, key)).isEqualTo("one");
    cluster.stop(BACKUP);
    var disk = cluster.machine(BACKUP).disk();
    disk.list().forEach(disk::delete);
    cluster.network.split("ap", "eu");
    cluster.network.split("ap", "us");
    cluster.repairBytesPerSecond = 1;
    cluster.start(BACKUP);
    cluster.world.runUntil(
        "a link",
        () -> cluster.node(BACKUP).replicator().stats().peers().get(1).state().isTrusted(),
        Duration.ofSeconds(30));
    assertThat(cluster.node(BACKUP).store().header(key)).as("only a fetch can find it").isNull();
    assertThat(read(cluster, BACKUP, key)).isEqualTo("one");
  }
}
