package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a peer is sent of this directory's changes, and what it is told of those that wait. */
class OutgoingChangesTest extends PlayedReplication {
  @Test
  void changesWaitForCredit_andNothingElseDoes() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    write(0, 100, 20_000);
    world.runFor(Duration.ofMillis(1600));
    assertThat(changesSent()).as("nothing was granted").isEmpty();
    assertThat(us(replicator).waitingBytes()).isZero();
    Frame.Backlog told = transport.connection.last(Frame.Heartbeat.class).backlog();
    assertThat(told).isEqualTo(new Frame.Backlog(false, false, false, 100, told.oldestMs()));
    assertThat(told.oldestMs()).isBetween(1480L, 1620L);
    assertThat(us(replicator).pendingChanges()).isEqualTo(100);
    assertThat(us(replicator).oldestUnacknowledgedMs()).isBetween(1590L, 1620L);
    replicator.fetch(Key.of("us/x"), null);
    world.runFor(Duration.ofMillis(1));
    assertThat(transport.connection.last(Frame.Fetch.class)).isNotNull();

    transport.answer(new Frame.Credit(1, false));
    world.runFor(Duration.ofSeconds(1));
    assertThat(changesSent()).as("a batch, whatever its size").hasSize(1);
    acknowledge(changesSent().get(0));
    assertThat(changesSent()).as("as much again").hasSize(2);
    transport.answer(new Frame.Credit(0, false));
    world.runFor(Duration.ofMillis(1));
    acknowledge(changesSent().get(1));
    assertThat(changesSent()).as("nothing is granted any more").hasSize(2);

    transport.answer(new Frame.Credit(400_000, false));
    world.runFor(Duration.ofSeconds(1));
    assertThat(us(replicator).inFlightBytes()).isBetween(400_000L, 400_000L + (128 << 10));
    assertThat(us(replicator).waitingBytes()).isLessThanOrEqualTo(200_000L);
    for (int i = 2; i < changesSent().size(); i++) {
      acknowledge(changesSent().get(i));
    }
    assertThat(us(replicator).pendingChanges()).isZero();
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog())
        .isEqualTo(new Frame.Backlog(true, true, false, 0, 0));
  }

  /**
   * What waits there takes more than its records, and the peer refuses what is beyond its window.
   */
  @Test
  void manySmallBatches_areCountedAsThePeerCountsThem() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    int granted = 50_000;
    transport.answer(new Frame.Credit(granted, false));
    for (int i = 0; i < 300; i++) {
      write(i, i + 1, 10);
      world.runFor(Duration.ofMillis(1));
    }
    long taken = 0;
    for (Frame.Changes each : changesSent()) {
      assertThat(taken).as("before one that the peer is to take").isLessThan(granted);
      taken += WindowBytes.of(each);
    }
    assertThat(changesSent()).hasSizeBetween(100, 190);
    assertThat(us(replicator).inFlightBytes()).isEqualTo(taken).isGreaterThanOrEqualTo(granted);
  }

  private void writeAgain(String key, int times) {
    for (int i = 0; i < times; i++) {
      store.write(Key.of(key), Bytes.utf8("v" + i), Header.NEVER, Precondition.NONE);
      world.runFor(Duration.ofMillis(10));
    }
  }

  @Test
  void changesThatAreCoalesced_waitAndAreAcknowledgedLikeAll() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    writeAgain("us/1", 100);
    assertThat(us(replicator).pendingChanges()).isEqualTo(100);
    assertThat(us(replicator).oldestUnacknowledgedMs()).isBetween(990L, 1010L);

    transport.answer(new Frame.Credit(1 << 20, false));
    world.runFor(Duration.ofMillis(500));
    assertThat(changesSent()).hasSize(1);
    assertThat(changesSent().get(0).records()).hasSize(1);
    assertThat(us(replicator).coalesced()).isEqualTo(99);
    assertThat(us(replicator).pendingChanges()).as("sent is not acknowledged").isEqualTo(100);
    assertThat(us(replicator).oldestUnacknowledgedMs()).isBetween(1490L, 1510L);
    Frame.Backlog told = transport.connection.last(Frame.Heartbeat.class).backlog();
    assertThat(told.allAcknowledged() || told.upToDate()).isFalse();

    acknowledge(changesSent().get(0));
    assertThat(us(replicator).pendingChanges()).isZero();
    assertThat(us(replicator).oldestUnacknowledgedMs()).isZero();
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog())
        .isEqualTo(new Frame.Backlog(true, true, false, 0, 0));
  }

  @Test
  void aPausedLink_tellsWhatWaits_andTakesAcknowledgementsOfWhatWasUnderWay() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    write(0, 10, 100);
    int sent = changesSent().size();
    assertThat(sent).isPositive();
    replicator.pause(US);
    write(10, 20, 100);
    transport.answer(new Frame.Credit(1 << 20, false));
    for (Frame.Changes each : changesSent()) {
      acknowledge(each);
    }
    world.runFor(Duration.ofSeconds(1));
    assertThat(changesSent()).as("neither credit nor acknowledgements send").hasSize(sent);
    assertThat(us(replicator).inFlightBytes()).isZero();
    assertThat(us(replicator).pendingChanges()).isEqualTo(10);
    Frame.Backlog told = transport.connection.last(Frame.Heartbeat.class).backlog();
    assertThat(told).isEqualTo(new Frame.Backlog(false, false, true, 10, told.oldestMs()));
    assertThat(told.oldestMs()).isPositive();

    replicator.resume(US);
    world.runFor(Duration.ofMillis(1));
    acknowledge(transport.connection.last(Frame.Changes.class));
    replicator.pause(US);
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    session.onFrame(
        connection, new Frame.Changes(new ActorId(5), 0, 1, List.of(record("us/99", 1, "theirs"))));
    world.runFor(Duration.ofSeconds(1));
    assertThat(connection.last(Frame.Ack.class).counter()).isEqualTo(1);
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog())
        .as("what others wrote does not wait for us")
        .isEqualTo(new Frame.Backlog(true, true, true, 0, 0));
  }

  @Test
  void whatWasDroppedBeforeAPeerHadIt_isReportedOnce() {
    compaction = new CompactionConfig(1 << 30, 0);
    transport.failsAt = "us";
    Replicator replicator = replicator();
    startBehindRetention(replicator);
    changesSent().forEach(this::acknowledge);
    write(0, 10, 200);
    acknowledge(transport.connection.last(Frame.Changes.class));
    world.runFor(Duration.ofSeconds(2));
    assertThat(us(replicator).timesBehindRetention()).isEqualTo(1);
    assertThat(us(replicator).lackingEntries()).isZero();
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog())
        .isEqualTo(new Frame.Backlog(true, true, false, 0, 0));
  }

  @Test
  void afterAStop_theStreamGoesOnWhereThePeerHadAcknowledged() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    write(0, 500, 100);
    changesSent().forEach(this::acknowledge);
    Frame.Changes last = transport.connection.last(Frame.Changes.class);
    acknowledge(last);
    assertThat(us(replicator).pendingChanges()).isZero();
    long needed = outboundNeed(replicator);
    assertThat(needed).isGreaterThan(500);
    write(500, 510, 100);
    close(replicator);

    has = VersionVector.of(new Dot(last.actor(), last.upTo()));
    transport.connection.sent.clear();
    Replicator again = replicator();
    assertThat(outboundNeed(again)).as("known before the peer is").isEqualTo(needed);
    again.start();
    world.runFor(Duration.ofMillis(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    world.runFor(Duration.ofMillis(10));
    assertThat(changesSent()).hasSize(1);
    assertThat(changesSent().get(0).after()).isEqualTo(last.upTo());
    assertThat(changesSent().get(0).records()).hasSize(10);
    close(again);

    has = VersionVector.EMPTY;
    Replicator lost = replicator();
    lost.start();
    world.runFor(Duration.ofMillis(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    world.runFor(Duration.ofMillis(10));
    assertThat(changesSent().get(0).after()).as("a peer that lost all gets all").isZero();
    assertThat(changesSent().stream().mapToInt(each -> each.records().size()).sum()).isEqualTo(510);
  }

  /** It would say of what it lost that it is nowhere. */
  @Test
  void aPeerThatHasLostAll_isNotToldThatItIsUpToDate() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    var evicted = replicator.evict(AP);
    write(0, 50, 100);
    assertThat(evicted).isCompleted();
    changesSent().forEach(this::acknowledge);
    answeringFor(Duration.ofSeconds(10));
    assertThat(us(replicator).oldestUnacknowledgedMs()).isZero();

    PeerHandler handler = transport.handler;
    PlayedConnection ended = transport.connection;
    loop.execute(() -> handler.onClosed(ended, "cut"));
    world.runUntil(
        "the next connection",
        () ->
            !sentOver(transport.connection, Frame.Heartbeat.class).isEmpty()
                && transport.connection != ended,
        Duration.ofSeconds(20));
    Frame.Backlog told = transport.connection.last(Frame.Heartbeat.class).backlog();
    assertThat(told.changes()).isEqualTo(50);
    assertThat(told.oldestMs()).isGreaterThan(9_000);
    assertThat(told.upToDate()).isFalse();
  }

  /** As of a peer that holds a change because of its clock: no frame was lost. */
  @Test
  void aPeerThatTakesNothing_isSentTheWindowFourTimes_thenABatch_andTheWindowOnceItTakesThat() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    write(0, 100, 20_000);
    Frame.Changes first = changesSent().get(0);
    answeringFor(Duration.ofSeconds(8));
    assertThat(us(replicator).resends()).isEqualTo(3);
    assertThat(us(replicator).problem()).isNull();
    assertThat(sentBytes()).as("what is lost comes soon").isBetween(4L << 20, 5L << 20);

    answeringFor(Duration.ofMinutes(2));
    int before = changesSent().size();
    long beforeBytes = sentBytes();
    Frame.Changes probe = changesSent().get(before - 1);
    assertThat(probe.after()).isZero();
    assertThat(us(replicator).inFlightBytes()).isEqualTo(WindowBytes.of(probe));
    assertThat(us(replicator).problem()).contains("held", "disk");
    answeringFor(Duration.ofMinutes(8));
    assertThat(changesSent().size() - before).as("one each half of a minute").isBetween(15, 17);
    assertThat(sentBytes() - beforeBytes).isLessThan(17 * WindowBytes.of(probe) + 1);

    long probedBytes = sentBytes();
    acknowledge(first);
    assertThat(sentBytes() - probedBytes).as("the window").isBetween(1L << 20, 5L << 18);
    assertThat(us(replicator).problem()).isNull();
  }

  private long sentBytes() {
    return changesSent().stream().mapToLong(WindowBytes::of).sum();
  }

  /** The peer lives, and says nothing of changes. */
  private void answeringFor(Duration time) {
    for (long ms = 0; ms < time.toMillis(); ms += 500) {
      transport.answer(new Frame.Credit(1 << 20, false));
      world.runFor(Duration.ofMillis(500));
    }
  }

  /** Of region us alone; ap never connects. */
  private static long outboundNeed(Replicator replicator) {
    return replicator.neededAfter(US);
  }

  @Test
  void aPeerAwayForLongerThanTheRetention_isNotToldThatItHasEverything_untilItHasCaughtUp() {
    compaction = new CompactionConfig(1 << 30, 0);
    transport.failsAt = "us";
    Replicator replicator = replicator();
    var behind = new ArrayList<CompletableFuture<Void>>();
    replicator.catchUpWith(
        peer -> {
          assertThat(peer).isEqualTo(US);
          var caughtUp = new CompletableFuture<Void>();
          behind.add(caughtUp);
          return caughtUp;
        });
    replicator.start();
    for (int round = 0; round < 40; round++) {
      write(0, 100, 200);
    }
    world.runFor(Duration.ofSeconds(1));
    assertThat(store.keptFrom()).as("compaction went past what us has").isGreaterThan(1000);
    assertThat(us(replicator).lackingEntries()).isZero();

    transport.failsAt = "";
    transport.welcomesAt = "us";
    world.runFor(Duration.ofSeconds(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    world.runFor(Duration.ofSeconds(1));
    assertThat(changesSent()).as("a peer of protocol 1 would take it for complete").isEmpty();
    assertThat(us(replicator).pendingChanges()).isEqualTo(4000);
    assertThat(us(replicator).timesBehindRetention()).isEqualTo(1);
    assertThat(us(replicator).lackingEntries()).isGreaterThanOrEqualTo(store.keptFrom() - 2);
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog().allAcknowledged())
        .isFalse();
    assertThat(behind).hasSize(1);
    ActorId wrote = store.actor();
    close(replicator);

    Replicator again = replicator();
    assertThat(us(again).lackingEntries()).as("remembered").isPositive();
    again.catchUpWith(peer -> behind.get(0));
    has = VersionVector.of(new Dot(wrote, 4000));
    again.start();
    world.runFor(Duration.ofSeconds(1));
    transport.answer(new Frame.Credit(1 << 20, false));
    world.runFor(Duration.ofSeconds(1));
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog().allAcknowledged())
        .isFalse();
    behind.get(0).complete(null);
    world.runFor(Duration.ofSeconds(1));
    assertThat(us(again).lackingEntries()).isZero();
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog().allAcknowledged())
        .isTrue();
    close(again);
    assertThat(us(replicator()).lackingEntries()).as("and that too").isZero();
  }

  /** Region us connects when compaction is past what it has. */
  private void startBehindRetention(Replicator replicator) {
    replicator.start();
    for (int round = 0; round < 40; round++) {
      write(0, 100, 200);
    }
    world.runFor(Duration.ofSeconds(1));
    transport.failsAt = "";
    transport.welcomesAt = "us";
    world.runFor(Duration.ofSeconds(10));
    transport.answer(new Frame.Credit(1 << 20, false));
    world.runFor(Duration.ofMillis(10));
  }

  @Test
  void whatHasGaps_goesInParts_andIsSaidToBeWholeOnceTheRestWasBrought() {
    compaction = new CompactionConfig(1 << 30, 0);
    transport.failsAt = "us";
    transport.protocol = 3;
    Replicator replicator = replicator();
    var behind = new ArrayList<CompletableFuture<Void>>();
    replicator.catchUpWith(
        peer -> {
          behind.add(new CompletableFuture<>());
          return behind.get(behind.size() - 1);
        });
    startBehindRetention(replicator);
    List<Frame.Part> parts = sentOver(transport.connection, Frame.Part.class);
    assertThat(changesSent()).as("that it would take for complete").isEmpty();
    assertThat(parts).isNotEmpty();
    parts.forEach(each -> acknowledge(each.changes()));
    long upTo = parts.get(parts.size() - 1).changes().upTo();
    assertThat(upTo).isEqualTo(4000);
    ActorId actor = parts.get(0).changes().actor();
    assertThat(replicator.freshness().appliedBy(US).counter(actor)).isZero();
    assertThat(us(replicator).pendingChanges()).isZero();

    write(0, 1, 200); // while the comparison is under way
    Frame.Changes meanwhile = transport.connection.last(Frame.Part.class).changes();
    assertThat(meanwhile.upTo()).isEqualTo(4001);
    behind.get(0).complete(null);
    world.runFor(Duration.ofMillis(1));
    assertThat(sentOver(transport.connection, Frame.Whole.class))
        .as("the peer lacks what may have replaced what it was to be brought")
        .isEmpty();
    acknowledge(meanwhile);
    var whole = new Frame.Whole(VersionVector.of(new Dot(actor, 4001)));
    assertThat(sentOver(transport.connection, Frame.Whole.class)).contains(whole);
    assertThat(us(replicator).lackingEntries()).isPositive();

    write(1, 2, 200);
    assertThat(transport.connection.last(Frame.Part.class).changes()).isEqualTo(meanwhile);
    int said = sentOver(transport.connection, Frame.Whole.class).size();
    world.runFor(Duration.ofSeconds(1));
    assertThat(sentOver(transport.connection, Frame.Whole.class))
        .as("it may have been lost")
        .hasSizeGreaterThan(said);
    transport.answer(new Frame.Whole(VersionVector.of(new Dot(actor, 7))));
    world.runFor(Duration.ofMillis(1));
    assertThat(us(replicator).lackingEntries()).as("nobody asked for that").isPositive();
    transport.answer(whole);
    world.runFor(Duration.ofMillis(1));
    assertThat(us(replicator).lackingEntries()).isZero();
    assertThat(replicator.freshness().appliedBy(US).counter(actor)).isEqualTo(4001);
    assertThat(changesSent()).hasSize(1);
    assertThat(changesSent().get(0).after()).isEqualTo(4001);
    acknowledge(changesSent().get(0));
    world.runFor(Duration.ofSeconds(1));
    assertThat(transport.connection.last(Frame.Heartbeat.class).backlog())
        .isEqualTo(new Frame.Backlog(true, true, false, 0, 0));
  }

  @Test
  void aLinkThatEndsBeforeItIsWhole_leavesNothingThatCountsAsHad() {
    compaction = new CompactionConfig(1 << 30, 0);
    transport.failsAt = "us";
    transport.protocol = 3;
    Replicator replicator = replicator();
    replicator.catchUpWith(peer -> new CompletableFuture<>());
    startBehindRetention(replicator);
    List<Frame.Part> before = sentOver(transport.connection, Frame.Part.class);
    before.forEach(each -> acknowledge(each.changes()));

    PeerHandler handler = transport.handler;
    PlayedConnection ended = transport.connection;
    loop.execute(() -> handler.onClosed(ended, "cut"));
    world.runFor(Duration.ofSeconds(10));
    assertThat(transport.connection).isNotSameAs(ended);
    transport.answer(new Frame.Credit(1 << 20, false));
    world.runFor(Duration.ofMillis(10));
    assertThat(sentOver(transport.connection, Frame.Part.class).get(0).changes().after()).isZero();
    assertThat(changesSent()).isEmpty();
  }
}
