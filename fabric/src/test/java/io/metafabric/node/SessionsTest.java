package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.error.StalenessException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.session.WriteConcernException;
import io.metafabric.core.sim.DirectExecutor;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sessions, bounds on staleness and write concern over a slow network that can be cut. */
class SessionsTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");
  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  private final SimCluster cluster = new SimCluster(7, 16 << 10, "eu", "us", "ap");
  private Key atUs;

  @BeforeEach
  void open() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(100)));
    // So little is kept for a peer that is away.
    cluster.compaction = new CompactionConfig(32L << 20, 32 << 10);
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    atUs = keyOf(US);
  }

  /** A key with that home, which {@code ap} does not hold. */
  private Key keyOf(RegionName home) {
    for (int i = 0; ; i++) {
      Key candidate = Key.of("n/" + i);
      var homes = cluster.node(EU).homesOf(candidate);
      if (homes.home().equals(home) && !homes.include(AP)) {
        return candidate;
      }
    }
  }

  private <T> CompletableFuture<T> ended(CompletableFuture<T> future) {
    cluster.world.runUntil("an answer", future::isDone, Duration.ofSeconds(20));
    return future;
  }

  private MetadataRecord put(RegionName region, Key key, String value, Dependencies after) {
    FabricNode<MetadataRecord> node = cluster.node(region);
    ended(node.guarantees().sessions().readyToWrite(after, TIMEOUT)).join();
    return ended(node.writeAfter(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE, after))
        .join();
  }

  private static Dependencies saw(Dependencies before, MetadataRecord record) {
    return before.saw(record.key(), record.header().version());
  }

  private CompletableFuture<Void> ready(RegionName region, Key key, Dependencies needs) {
    return ended(cluster.node(region).guarantees().sessions().readyToRead(key, needs, TIMEOUT));
  }

  private String read(RegionName region, Key key, Dependencies needs) {
    ready(region, key, needs).join();
    ReadOutcome outcome = ended(cluster.node(region).read("me", key)).join();
    return outcome instanceof ReadOutcome.Value value
        ? value.record().payload().toUtf8()
        : outcome.toString();
  }

  private void cut(String one, String other) {
    cluster.network.link(one, other, new SimLink(Duration.ofMillis(100), Duration.ZERO, 1, 0));
  }

  private void heal(String one, String other) {
    cluster.network.link(one, other, SimLink.perfect(Duration.ofMillis(100)));
  }

  @Test
  void aWrite_isReadAtOnceInAnotherRegion_whichHasNotHeardOfItYet() {
    MetadataRecord first = put(EU, atUs, "one", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    MetadataRecord second = put(EU, atUs, "two", Dependencies.NONE);
    assertThat(read(AP, atUs, Dependencies.NONE)).as("without a session").isEqualTo("one");
    assertThat(read(AP, atUs, saw(saw(Dependencies.NONE, first), second))).isEqualTo("two");
  }

  @Test
  void aReadOfAnotherKey_doesNotWaitForIt() {
    cut("eu", "ap");
    Key other = Key.of("other/1");
    put(AP, other, "here", Dependencies.NONE);
    Dependencies seen = saw(Dependencies.NONE, put(EU, atUs, "one", Dependencies.NONE));
    assertThat(cluster.node(AP).guarantees().sessions().readyToRead(other, seen, TIMEOUT).isDone())
        .isTrue();
    assertThat(read(AP, other, seen)).isEqualTo("here");
  }

  /** Its writer's journal has a later one only, which is still to come. */
  @Test
  void aWriteWhichWasLeftOutForALaterOne_doesNotCountAsAppliedBeforeThatHasCome() {
    put(EU, atUs, "one", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    cut("ap", "eu");
    cut("us", "eu");
    MetadataRecord two = put(AP, atUs, "two", Dependencies.NONE);
    for (int i = 0; i < 100; i++) {
      put(AP, Key.of("garbage/" + i % 2), "x".repeat(400), Dependencies.NONE);
    }
    for (int i = 0; i < 100; i++) {
      put(AP, Key.of("many/" + i), "x".repeat(8_000), Dependencies.NONE);
    }
    put(AP, atUs, "three", saw(Dependencies.NONE, two));
    cluster.world.runFor(Duration.ofMinutes(5));
    var eu = cluster.node(EU).store();
    Dot left = two.header().version().dot();
    heal("ap", "eu");
    Key behindIt = Key.of("many/0");
    cluster.world.runUntil(
        "what came behind it is here", () -> eu.header(behindIt) != null, Duration.ofMinutes(1));
    assertThat(eu.header(atUs).version().covers(left)).as("what replaced it is here").isFalse();
    assertThat(eu.isApplied(left)).isFalse();

    assertThat(read(EU, atUs, saw(Dependencies.NONE, two))).isEqualTo("three");
  }

  private final class WorldClock implements Clock {
    private final Duration passes;

    /**
     * @param passes for everybody else, whenever somebody looks at this clock
     */
    WorldClock(Duration passes) {
      this.passes = passes;
    }

    @Override
    public long wallMs() {
      return SimWorld.EPOCH_MS + nanoTime() / 1_000_000;
    }

    @Override
    public long nanoTime() {
      cluster.world.runFor(passes);
      return cluster.world.nanoTime();
    }
  }

  /** The loop looks what is missing while another thread publishes it. */
  @Test
  void whatComesJustWhenItIsToBeAskedFor_isRead() {
    Dependencies seen = saw(Dependencies.NONE, put(EU, atUs, "one", Dependencies.NONE));
    FabricNode<MetadataRecord> node = cluster.node(AP);
    var sessions =
        new Sessions(
            node.store(),
            node.replicator(),
            node::homesOf,
            new WorldClock(Duration.ofSeconds(1)),
            new Waits(new DirectExecutor(), new WorldClock(Duration.ZERO)),
            new WhatIsMissing(node.store(), node.replicator()),
            (key, result) -> CompletableFuture.completedFuture(null));
    assertThat(node.store().header(atUs)).isNull();
    assertThat(sessions.readyToRead(atUs, seen, TIMEOUT)).isCompleted();
    assertThat(node.store().header(atUs)).isNotNull();
  }

  @Test
  void whereTheWriterIsCutOff_theHomeIsAsked() {
    cut("eu", "ap");
    Dependencies seen = saw(Dependencies.NONE, put(EU, atUs, "one", Dependencies.NONE));
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(cluster.node(AP).store().header(atUs)).isNull();
    assertThat(read(AP, atUs, seen)).isEqualTo("one");
  }

  @Test
  void whoeverSeesAnAnswer_seesItsQuestion_thoughTheRegionThatAskedIsCutOff() {
    cut("eu", "ap");
    Key question = atUs;
    Key answer = Key.of("answers/1");
    Dependencies asked = saw(Dependencies.NONE, put(EU, question, "why?", Dependencies.NONE));
    cluster.world.runFor(Duration.ofSeconds(1));
    // Goes on in us, which has both.
    assertThat(read(US, question, asked)).isEqualTo("why?");
    MetadataRecord answered = put(US, answer, "because", asked);
    cluster.world.runFor(Duration.ofSeconds(1));

    // Somebody else, in ap.
    assertThat(read(AP, answer, Dependencies.NONE)).isEqualTo("because");
    Dependencies reader =
        saw(Dependencies.NONE, cluster.node(AP).store().read(answer).withoutPayload());
    assertThat(reader.upTo().contains(dotOf(question))).isTrue();
    assertThat(cluster.node(AP).store().header(question)).isNull();
    assertThat(read(AP, question, reader)).isEqualTo("why?");
    assertThat(answered.header().version().context().contains(dotOf(question))).isTrue();
  }

  private Dot dotOf(Key key) {
    return cluster.node(EU).store().header(key).version().dot();
  }

  @Test
  void aWrite_waitsForWhatItComesAfter_andSaysWhatIsMissing() {
    cut("eu", "ap");
    Dependencies seen = saw(Dependencies.NONE, put(EU, atUs, "one", Dependencies.NONE));
    assertThat(
            ended(cluster.node(AP).guarantees().sessions().readyToWrite(seen, TIMEOUT))
                .handle((done, failure) -> failure)
                .join())
        .isInstanceOfSatisfying(
            NotReplicatedException.class,
            e -> {
              assertThat(e.region()).isEqualTo("ap");
              assertThat(e.missing())
                  .singleElement()
                  .satisfies(each -> assertThat(each.named()).isOne());
            });
    heal("eu", "ap");
    cluster.world.runFor(Duration.ofSeconds(10));
    assertThat(put(AP, atUs, "two", seen).header().version().covers(dotOf(atUs))).isTrue();
  }

  /** Where something was deleted and is forgotten, nobody there has its stamp any more. */
  @Test
  void aWrite_isStampedAfterAllThatTheSessionHasSeen_whateverTheClock() {
    Dependencies seen = saw(Dependencies.NONE, put(EU, atUs, "one", Dependencies.NONE));
    Stamp late = new Stamp(seen.latest().packed() + (20_000L << 16));
    Dependencies floor = Dependencies.of(VersionVector.EMPTY, List.of(), late);

    assertThat(put(AP, atUs, "two", floor).header().version().stamp()).isGreaterThan(late);
    assertThat(put(AP, atUs, "three", Dependencies.NONE).header().version().stamp())
        .isGreaterThan(late);
  }

  @Test
  void aWriteOfASessionFromTheFuture_isRefused_andMovesNoClock() {
    Stamp now = put(AP, atUs, "one", Dependencies.NONE).header().version().stamp();
    Stamp tomorrow = new Stamp(now.packed() + (86_400_000L << 16));
    Dependencies forged = Dependencies.of(VersionVector.EMPTY, List.of(), tomorrow);

    CompletableFuture<MetadataRecord> refused =
        ended(
            cluster
                .node(AP)
                .writeAfter(atUs, Bytes.utf8("two"), Header.NEVER, Precondition.NONE, forged));

    assertThat(refused.handle((done, failure) -> failure).join())
        .isInstanceOf(ClockSkewException.class)
        .hasMessageContaining("ahead of this node's clock");
    assertThat(read(AP, atUs, Dependencies.NONE)).isEqualTo("one");
    assertThat(put(AP, atUs, "three", Dependencies.NONE).header().version().stamp())
        .isLessThan(tomorrow);
  }

  @Test
  void aForgedToken_doesNotMakeAReadHang_andItsReaderIsToldWhy() {
    Dot known = put(EU, atUs, "one", Dependencies.NONE).header().version().dot();
    cluster.world.runFor(Duration.ofSeconds(2));
    Dependencies forged =
        Dependencies.of(
            VersionVector.EMPTY
                .with(new Dot(known.actor(), 1L << 60))
                .with(new Dot(new ActorId(99), 5)),
            List.of(),
            new Stamp(0));
    assertThat(ready(AP, atUs, forged).handle((done, failure) -> failure).join())
        .isInstanceOf(NotReplicatedException.class)
        .hasMessageContaining("region eu")
        .hasMessageContaining("1 known to be made")
        .hasMessageContaining("an opening nobody here knows");
    assertThat(read(AP, atUs, Dependencies.NONE)).isEqualTo("one");
  }

  @Test
  void aForgedTokenThatNamesVeryMany_isChargedForThem_andSaidToLackThemInAFewWords() {
    VersionVector many = VersionVector.EMPTY;
    for (int i = 1; i <= Dependencies.MAX_ACTORS; i++) {
      many = many.with(new Dot(new ActorId(i), 5));
    }
    Dependencies forged = Dependencies.of(many, List.of(), new Stamp(0));
    Guarantees guarantees = cluster.node(AP).guarantees();
    var waiting = new ArrayList<CompletableFuture<Void>>();
    waiting.add(guarantees.sessions().readyToRead(atUs, forged, TIMEOUT));
    waiting.add(guarantees.sessions().readyToWrite(forged, TIMEOUT));
    assertThat(guarantees.waitingBytes()).isGreaterThan(2 * 3 * 16 * Dependencies.MAX_ACTORS);
    waiting.add(guarantees.acknowledgements().replicated(forged, US, TIMEOUT));
    waiting.forEach(this::ended);

    for (CompletableFuture<Void> each : waiting) {
      assertThat(each.handle((done, failure) -> failure).join())
          .isInstanceOfSatisfying(
              NotReplicatedException.class,
              e -> {
                assertThat(e.missing()).hasSize(NotReplicatedException.MAX_MISSING);
                assertThat(e.getMessage()).hasSizeLessThan(4_000).contains("and 1008 more");
              });
    }
  }

  @Test
  void whatIsReplicated_isSaidOnceTheRegionHasIt() {
    Dependencies seen = saw(Dependencies.NONE, put(EU, atUs, "one", Dependencies.NONE));
    for (RegionName asked : List.of(EU, US, AP)) {
      for (RegionName region : List.of(EU, US, AP)) {
        ended(cluster.node(asked).guarantees().acknowledgements().replicated(seen, region, TIMEOUT))
            .join();
        assertThat(cluster.node(region).store().isApplied(dotOf(atUs))).isTrue();
      }
    }
    cut("eu", "ap");
    Dependencies more = saw(seen, put(EU, atUs, "two", Dependencies.NONE));
    assertThat(
            ended(cluster.node(US).guarantees().acknowledgements().replicated(more, AP, TIMEOUT))
                .handle((done, failure) -> failure)
                .join())
        .isInstanceOf(NotReplicatedException.class)
        .hasMessageContaining("region ap has not got");
  }

  @Test
  void writeConcern_isMet_orSaysWhereTheWriteIs() {
    FabricNode<MetadataRecord> eu = cluster.node(EU);
    MetadataRecord one = put(EU, atUs, "one", Dependencies.NONE);
    for (WriteConcern concern : WriteConcern.values()) {
      ended(
              eu.guarantees()
                  .acknowledgements()
                  .durable(atUs, one.header().version(), concern, TIMEOUT))
          .join();
    }
    assertThat(cluster.node(US).store().isApplied(one.header().version().dot())).isTrue();
    cut("eu", "us");
    MetadataRecord two = put(EU, atUs, "two", Dependencies.NONE);
    assertThat(
            ended(
                    eu.guarantees()
                        .acknowledgements()
                        .durable(
                            atUs, two.header().version(), WriteConcern.HOME_AND_BACKUP, TIMEOUT))
                .handle((done, failure) -> failure)
                .join())
        .isInstanceOfSatisfying(
            WriteConcernException.class,
            e -> {
              assertThat(e.durableIn()).contains("eu", "ap");
              assertThat(e.missingIn()).containsExactly("us");
              assertThat(e.version()).isEqualTo(two.header().version());
              assertThat(e).hasMessageContaining("stands");
            });
    ended(
            eu.guarantees()
                .acknowledgements()
                .durable(atUs, two.header().version(), WriteConcern.ONE_OTHER_REGION, TIMEOUT))
        .join();
    assertThat(read(EU, atUs, Dependencies.NONE)).isEqualTo("two");
  }

  /** A region alone, whose writes are acknowledged before they are on the disk. */
  @Test
  void aWriteIsNotSaidToBeDurableHere_beforeItIs() {
    var alone = new SimCluster(8, 16 << 10, "eu");
    alone.durability = Durabilities.all(Durability.OS);
    alone.startAll();
    FabricNode<MetadataRecord> eu = alone.node(EU);
    Acknowledgements acknowledgements = eu.guarantees().acknowledgements();
    var writing = eu.write(atUs, Bytes.utf8("one"), Header.NEVER, Precondition.NONE);
    alone.world.runUntil("it returns", writing::isDone, TIMEOUT);
    Version version = writing.join().header().version();
    assertThat(eu.store().durablyApplied().contains(version.dot())).isFalse();

    var durable = acknowledgements.durable(atUs, version, WriteConcern.HOME_AND_BACKUP, TIMEOUT);
    assertThat(durable).isNotDone();
    alone.world.runUntil("it is durable", durable::isDone, TIMEOUT);
    assertThat(durable).isCompleted();
    assertThat(eu.store().durablyApplied().contains(version.dot())).isTrue();
  }

  @Test
  void aFreshRead_isAnsweredHere_whileWhatIsKnownHereIsFresh() {
    put(EU, atUs, "one", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(2));
    FreshReads.Answer answer = fresh(US, Duration.ofSeconds(5)).join();
    assertThat(answer.by()).isEqualTo(US);
    assertThat(Duration.ofNanos(answer.ageNanos())).isLessThan(Duration.ofSeconds(1));
  }

  private CompletableFuture<FreshReads.Answer> fresh(RegionName region, Duration maxAge) {
    return ended(cluster.node(region).guarantees().freshReads().read("me", atUs, maxAge, TIMEOUT));
  }

  @Test
  void whereAWriterIsCutOff_theHomeAnswers_becauseItHearsIt() {
    put(EU, atUs, "one", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(2));
    cut("eu", "ap");
    cluster.world.runFor(Duration.ofSeconds(8));
    MetadataRecord two = put(EU, atUs, "two", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(4));
    FreshReads.Answer answer = fresh(AP, Duration.ofSeconds(2)).join();
    assertThat(answer.by()).isEqualTo(US);
    assertThat(answer.version().version().dot()).isEqualTo(two.header().version().dot());
    assertThat(fresh(AP, Duration.ofMinutes(1)).join().by())
        .as("it need not go away")
        .isEqualTo(AP);
  }

  @Test
  void whatWaitsForThisRegion_isOlderThanTheLastWordOfItsWriter() {
    put(EU, atUs, "one", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(2));
    cluster.node(EU).replicator().pause(AP);
    MetadataRecord two = put(EU, atUs, "two", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(4));
    assertThat(cluster.node(AP).store().isApplied(two.header().version().dot())).isFalse();
    FreshReads.Answer answer = fresh(AP, Duration.ofSeconds(2)).join();
    assertThat(answer.by()).isEqualTo(US);
    assertThat(answer.version().version().dot()).isEqualTo(two.header().version().dot());
  }

  @Test
  void whereNobodyHearsARegion_aFreshReadFails_andSaysWhich() {
    put(EU, atUs, "one", Dependencies.NONE);
    cluster.world.runFor(Duration.ofSeconds(2));
    cut("eu", "ap");
    cut("us", "eu");
    cluster.world.runFor(Duration.ofSeconds(10));
    assertThat(fresh(AP, Duration.ofSeconds(2)).handle((done, failure) -> failure).join())
        .isInstanceOfSatisfying(
            StalenessException.class,
            e -> {
              assertThat(e).hasMessageContaining("eu=");
              assertThat(e.best().orElseThrow()).isGreaterThan(Duration.ofSeconds(9));
            });
  }
}
