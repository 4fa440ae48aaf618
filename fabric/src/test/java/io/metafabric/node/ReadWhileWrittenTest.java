package io.metafabric.node;

import static io.metafabric.node.SimReads.keyWithHomes;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
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
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A read that asks in vain, while one of those that have answered writes the key, is told of that
 * write, and not that nobody has a value.
 */
class ReadWhileWrittenTest {
  private static final RegionName NEAR = new RegionName("ap");
  private static final RegionName FAR = new RegionName("eu");
  private static final RegionName READER = new RegionName("us");

  /** Nobody issues versions under it. */
  private static final ActorId GONE = new ActorId(0x7777);

  private static final Duration LONG = Duration.ofMinutes(1);

  private final SimCluster cluster = new SimCluster(11, 1 << 16, "ap", "eu", "us");

  static List<ConflictRule> rules() {
    return List.of(ConflictRule.lastWriterWins(), ConflictRule.siblings());
  }

  private Key open(ConflictRule rule) {
    cluster.conflicts =
        new ConflictConfig(new ConflictRules(Map.of("n", rule)), Duration.ofSeconds(60));
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(200)));
    cluster.network.link("ap", "us", SimLink.perfect(Duration.ofMillis(5)));
    cluster.network.link("us", "ap", SimLink.perfect(Duration.ofMillis(5)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    cluster.node(NEAR).setPrediction(false); // so that it sends a header alone
    return keyWithHomes(cluster, FAR, NEAR);
  }

  /** The far region has answered last, and has not heard of what the near one wrote meanwhile. */
  private ReadOutcome readWhileTheNearOneWrites(Key key) {
    var reading = cluster.node(READER).read(null, key);
    cluster.world.runFor(Duration.ofMillis(50));
    var writing = cluster.node(NEAR).write(key, Bytes.utf8("two"), Header.NEVER, Precondition.NONE);
    cluster.world.runUntil(
        "its header",
        () -> {
          Header known = cluster.node(READER).store().header(key);
          return known != null && known.writtenIn().equals(NEAR);
        },
        Duration.ofMillis(150));
    assertThat(reading).as("the far region was not heard yet").isNotDone();
    assertThat(cluster.node(READER).store().read(key).payload()).isNull();
    cluster.world.runUntil("a read", reading::isDone, LONG);
    assertThat(writing).isCompleted();
    return reading.join();
  }

  private static Bytes payloadOf(ReadOutcome outcome) {
    assertThat(outcome).isInstanceOf(ReadOutcome.Value.class);
    return ((ReadOutcome.Value) outcome).record().payload();
  }

  @ParameterizedTest
  @MethodSource("rules")
  void whoAsksForWhatNobodyHas(ConflictRule rule) {
    Key key = open(rule);
    var version =
        new Version(new Dot(new ActorId(0x7777), 1), VersionVector.EMPTY, new Stamp(1 << 16));
    var gone =
        new MetadataRecord(key, Header.value(version, FAR, Bytes.utf8("one"), Header.NEVER), null);
    var done = cluster.node(READER).store().applyOne(new Inbound(gone, false));
    cluster.world.runUntil("it is known", done::isDone, LONG);

    assertThat(payloadOf(readWhileTheNearOneWrites(key))).isEqualTo(Bytes.utf8("two"));
  }

  @ParameterizedTest
  @MethodSource("rules")
  void whoAsksWhetherThereIsAny(ConflictRule rule) {
    Key key = open(rule);
    cluster.stop(READER);
    var disk = cluster.machine(READER).disk();
    disk.list().forEach(disk::delete);
    cluster.start(READER);
    cluster.world.runUntil(
        "it reaches the home",
        () -> !Double.isNaN(cluster.node(READER).stats().replication().peers().get(1).rttMs()),
        Duration.ofSeconds(10));

    assertThat(payloadOf(readWhileTheNearOneWrites(key))).isEqualTo(Bytes.utf8("two"));
  }

  /** The reader hears of a write whose payload nobody has. */
  private void hearsOf(Key key, long counter, long stamp, VersionVector context) {
    var version = new Version(new Dot(GONE, counter), context, new Stamp(stamp));
    var gone =
        new MetadataRecord(key, Header.value(version, FAR, Bytes.utf8("?"), Header.NEVER), null);
    var done = cluster.node(READER).store().applyOne(new Inbound(gone, false));
    cluster.world.runUntil("it is known", done::isDone, LONG);
  }

  @Test
  void anOlderValueThatWasGivenFirst_isNotForgotten_whereNobodyAnswersAnyMore() {
    Key key = open(ConflictRule.lastWriterWins());
    MetadataRecord one = SimReads.write(cluster, FAR, key, "one");
    cluster.world.runFor(Duration.ofSeconds(15));
    long later = (cluster.machine(READER).clock().wallMs() + 1_000) << 16;
    hearsOf(key, 1, later, one.header().version().seen());
    var reading = cluster.node(READER).read(null, key);
    cluster.world.runFor(Duration.ofMillis(300));
    hearsOf(key, 2, later + 1, one.header().version().seen());
    // What was answered arrives, what is asked from now on does not.
    cluster.network.cut("us", "ap");
    cluster.network.cut("us", "eu");
    cluster.world.runUntil("a read", reading::isDone, LONG);

    assertThat(reading.join()).isInstanceOf(ReadOutcome.Superseded.class);
    assertThat(((ReadOutcome.Superseded) reading.join()).record().payload())
        .isEqualTo(Bytes.utf8("one"));
  }
}
