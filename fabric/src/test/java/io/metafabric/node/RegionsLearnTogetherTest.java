package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.wire.Frame;
import io.metafabric.predict.SummaryConfig;
import io.metafabric.replicate.ProtocolRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A region prefetches what it has never read, because another one has. */
class RegionsLearnTogetherTest {
  private static final int KEYS = 60;
  private static final RegionName WRITER = new RegionName("paris");
  private static final RegionName TEACHER = new RegionName("tokyo");
  private static final RegionName READER = new RegionName("lima");
  private static final Duration LONG = Duration.ofMinutes(1);

  private final SimCluster cluster = new SimCluster(5, 4 << 20, "paris", "tokyo", "lima");
  private final List<Key> keys = new ArrayList<>();

  /** Records that the teacher has, and the reader has only headers of. */
  private void write() {
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; keys.size() < KEYS; i++) {
      Key key = Key.of("n/" + i);
      if (!cluster.node(WRITER).homesOf(key).include(READER)) {
        keys.add(key);
        SimReads.write(cluster, WRITER, key, "x".repeat(600));
      }
    }
    cluster.world.runUntil("headers", cluster::isConverged, LONG);
  }

  private void readAll(RegionName in) {
    for (Key key : keys) {
      assertThat(SimReads.read(cluster, in, key)).startsWith("x");
      cluster.world.runFor(Duration.ofMillis(200));
    }
  }

  private void teach() {
    write();
    for (int round = 0; round < 5; round++) {
      readAll(TEACHER);
    }
    cluster.world.runFor(Duration.ofSeconds(5));
  }

  private SummaryStats summaries(RegionName in) {
    return cluster.node(in).stats().summaries();
  }

  private long foreseenAtFirstSight() {
    readAll(READER);
    return cluster.node(READER).stats().prefetch().used();
  }

  @Test
  void whatWasReadInSequenceElsewhere_isPrefetchedBeforeItIsReadHereForTheFirstTime() {
    cluster.startAll();
    teach();
    assertThat(cluster.node(READER).stats().prefetch().requested()).isZero();
    SummaryStats taught = summaries(TEACHER);
    SummaryStats learned = summaries(READER);
    assertThat(taught.sent()).isBetween(2 * 20L, 2 * 60L);
    assertThat(taught.sentBytes()).isPositive();
    assertThat(learned.received()).isEqualTo(taught.sent() / 2);
    assertThat(learned.receivedBytes()).isEqualTo(taught.sentBytes() / 2);
    assertThat(learned.readsLearned()).isEqualTo(5L * KEYS);
    assertThat(learned.readsUnknown() + learned.repeated() + learned.dropped()).isZero();

    assertThat(foreseenAtFirstSight()).isGreaterThan(KEYS / 6);
  }

  @Test
  void withItOff_nothingIsTold_andNothingPrefetchedThatWasNotReadHere() {
    cluster.summaries = SummaryConfig.OFF;
    cluster.startAll();
    teach();

    assertThat(foreseenAtFirstSight()).isZero();
    assertThat(cluster.node(READER).stats().prefetch().requested()).isZero();
    assertThat(summaries(TEACHER)).isEqualTo(new SummaryStats(false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void whoHasItOff_learnsNothingFromOthersEither() {
    cluster.start(WRITER);
    cluster.start(TEACHER);
    cluster.summaries = SummaryConfig.OFF;
    cluster.start(READER);
    teach();

    assertThat(foreseenAtFirstSight()).isZero();
    assertThat(summaries(READER).received()).isZero();
    assertThat(summaries(READER).dropped()).isPositive();
    assertThat(summaries(WRITER).received()).isPositive();
  }

  @Test
  void whilePredictionIsOff_nothingIsTold_notLaterEither() {
    cluster.startAll();
    cluster.node(TEACHER).setPrediction(false);
    teach();
    assertThat(summaries(TEACHER).sent()).isZero();

    cluster.node(TEACHER).setPrediction(true);
    cluster.world.runFor(Duration.ofSeconds(10));
    assertThat(summaries(TEACHER).sent()).isZero();
    assertThat(summaries(READER).received()).isZero();
    SimReads.read(cluster, TEACHER, keys.get(0));
    cluster.world.runFor(Duration.ofSeconds(5));
    assertThat(summaries(READER).readsLearned()).isEqualTo(1);
  }

  @Test
  void aRegionOfAnOlderProtocol_isToldNothing_andTellsNothing() {
    cluster.start(WRITER);
    cluster.start(TEACHER);
    cluster.protocols = () -> new ProtocolRange(1, Frame.Summary.SINCE - 1);
    cluster.start(READER);
    teach();

    assertThat(foreseenAtFirstSight()).isZero();
    assertThat(summaries(READER).received()).isZero();
    assertThat(summaries(READER).sent()).isZero();
    assertThat(summaries(READER).notSent()).isPositive();
    assertThat(cluster.node(READER).stats().transport().skippedFrames()).isZero();
    assertThat(summaries(WRITER).readsLearned()).as("of the teacher's").isEqualTo(5L * KEYS);
  }

  @Test
  void aSummaryThatComesTwice_isLearnedOnce() {
    cluster.network.defaultLink(new SimLink(Duration.ofMillis(20), Duration.ZERO, 0, 0.3));
    cluster.startAll();
    teach();

    SummaryStats learned = summaries(READER);
    assertThat(learned.repeated()).isPositive();
    assertThat(learned.readsLearned()).isEqualTo(5L * KEYS);
  }

  @Test
  void overALinkThatOtherDataFills_summariesWait_areJoined_andAreBounded() {
    cluster.startAll();
    write();
    // Slower than what is written: there is always other data in front.
    cluster.network.link("tokyo", "lima", SimLink.throttled(Duration.ofMillis(10), 4 << 10));
    int written = 0;
    for (int round = 0; round < 5; round++) {
      for (Key key : keys) {
        SimReads.read(cluster, TEACHER, key);
        SimReads.write(cluster, TEACHER, Key.of("m/" + written++), "y".repeat(2000));
        cluster.world.runFor(Duration.ofMillis(200));
      }
    }
    SummaryStats busy = summaries(TEACHER);
    assertThat(busy.notSent()).as("joined to later ones").isGreaterThan(10);
    MemoryUse held =
        cluster.node(TEACHER).stats().memory().stream()
            .filter(each -> each.what().equals("access summaries"))
            .findFirst()
            .orElseThrow();
    assertThat(held.bytes()).isBetween(1L, held.maxBytes());

    cluster.network.link("tokyo", "lima", SimLink.perfect(Duration.ofMillis(10)));
    cluster.world.runFor(LONG);
    assertThat(summaries(READER).readsLearned()).as("once there is room").isPositive();
    assertThat(summaries(WRITER).readsLearned()).isGreaterThanOrEqualTo(5L * KEYS);
  }
}
