package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Refusal;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One node's replication over a transport that the test plays: connections, and who has them. */
class ReplicatorTest extends PlayedReplication {
  @Test
  void aPeerThatCannotBeDialled_isDialledAgain_andDoesNotHoldUpTheOthers() {
    transport.failsAt = "ap";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(20));
    assertThat(transport.dialled).contains("us");
    assertThat(transport.dialled.stream().filter("ap"::equals).count()).isBetween(4L, 30L);
    PeerStats ap = replicator.stats().peers().get(0);
    assertThat(ap.region()).isEqualTo(AP);
    assertThat(ap.problem()).contains("cannot connect to ap:1").contains("a defect");
  }

  @Test
  void aPeerThatWelcomesAndEnds_isDialledWithGrowingPauses() {
    transport.welcomesAt = "us";
    transport.endsAfterWelcome = true;
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMinutes(1));
    assertThat(transport.dialled.stream().filter("us"::equals).count()).isBetween(8L, 60L);
    PeerStats us = replicator.stats().peers().get(1);
    assertThat(us.connects()).isGreaterThan(5);
    assertThat(us.problem()).isEqualTo("it ends as soon as it has begun");
  }

  /** It gives up what it has, if it is told that others have it too. */
  @Test
  void whoIsEvicted_isToldWhatPowerCannotTakeAnyMore() {
    durability = Durability.OS;
    Replicator replicator = replicator();
    replicator.start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    session.onFrame(
        connection,
        new Frame.Changes(new ActorId(5), 0, 1, List.of(record("us/1", 1, "as durable as all"))));
    var evicting = replicator.evict(AP);
    world.runFor(Duration.ofMillis(100));
    assertThat(evicting).isCompleted();
    session.onFrame(
        connection,
        new Frame.Changes(new ActorId(5), 1, 2, List.of(record("us/2", 2, "of this moment"))));
    write(0, 1, 10);
    world.runFor(Duration.ofMillis(100));
    assertThat(store.completeOf(US).counter(new ActorId(5))).isEqualTo(2);
    assertThat(store.completeOf(EU).counter(store.actor())).isEqualTo(1);

    Frame.Configured told = toldToTheEvicted();
    assertThat(told.configuration().evicted()).containsExactly(AP);
    assertThat(told.applied().get(US).counter(new ActorId(5))).as("of a peer").isEqualTo(1);
    assertThat(told.applied().get(EU).counter(store.actor())).as("of its own").isZero();

    store.syncWithin(Duration.ofMillis(10));
    world.runFor(Duration.ofSeconds(1));
    told = toldToTheEvicted();
    assertThat(told.applied().get(US).counter(new ActorId(5))).isEqualTo(2);
    assertThat(told.applied().get(EU).counter(store.actor())).isEqualTo(1);
  }

  /** Region ap dials, and is refused. */
  private Frame.Configured toldToTheEvicted() {
    PeerTransport.Acceptor acceptor = transport.acceptor;
    assertThat(acceptor).isNotNull();
    var connection = new PlayedConnection();
    PeerHandler evicted = acceptor.accept(connection);
    evicted.onOpen(connection);
    evicted.onFrame(connection, helloOfAp(new ActorId(12)));
    assertThat(connection.last(Frame.Refuse.class).reason()).isEqualTo(Refusal.EVICTED);
    return connection.last(Frame.Configured.class);
  }

  @Test
  void aSecondProcessOnACopyOfTheDirectory_isRefusedWhileTheFirstIsHeard() {
    replicator().start();
    var first = new PlayedConnection();
    session(first);
    PeerTransport.Acceptor acceptor = transport.acceptor;
    assertThat(acceptor).isNotNull();

    var copy = new PlayedConnection();
    PeerHandler second = acceptor.accept(copy);
    second.onOpen(copy);
    second.onFrame(copy, hello(new ActorId(9)));
    Frame.Refuse refusal = copy.last(Frame.Refuse.class);
    assertThat(refusal.reason()).isEqualTo(Refusal.REGION_TAKEN);
    assertThat(refusal.message()).contains("us", "eu", "copies of it");

    // Its own next connection is welcome, in place of the first: a region has one.
    assertThat(first.closings).isEmpty();
    var next = new PlayedConnection();
    session(next);
    assertThat(first.closings).containsExactly("replaced by a newer connection");
    assertThat(next.closings).isEmpty();
  }

  @Test
  void aDialledPeerThatCutsThisNodeOff_isReported_untilItWelcomesItAgain() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMillis(10));
    transport.answer(new Frame.CutOff(Refusal.CERTIFICATE, "it was taken out"));
    world.runFor(Duration.ofMillis(10));
    assertThat(us(replicator).refusal()).isEqualTo(Refusal.CERTIFICATE);
    assertThat(us(replicator).problem()).isEqualTo("us has cut off this node: it was taken out");
    assertThat(transport.connection.closings).hasSize(1);
  }

  @Test
  void aPush_isTakenFromTheHome_withAPayloadThatFitsTheHeader() {
    replicator().start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    session.onFrame(
        connection,
        new Frame.Changes(new ActorId(5), 0, 2, List.of(record("us/2", 2, "as it was written"))));
    world.runFor(Duration.ofSeconds(1));

    MetadataRecord good = record("us/1", 3, "good");
    MetadataRecord same = record("us/2", 2, "as it was written");
    session.onFrame(
        connection,
        new Frame.Push(
            List.of(
                good,
                same,
                record("us/2", 2, "another payload under the same dot"),
                record("us/4", 4, null),
                record("ap/5", 5, "us is not its home"))));
    assertThat(copies.offered).containsExactly(good, same);
    assertThat(connection.last(Frame.NotHolding.class).keys())
        .containsExactly(Key.of("us/2"), Key.of("us/4"), Key.of("ap/5"));
  }

  @Test
  void aDiallerThatFallsSilent_isClosed_sparingOnesWhoseRhythmIsSlow() {
    replicator().start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    for (int i = 1; i <= 200; i++) {
      world.runFor(Duration.ofMillis(500));
      session.onFrame(connection, new Frame.Heartbeat(i, 0, Frame.Backlog.NONE));
    }
    world.runFor(Duration.ofMillis(3_500));
    assertThat(connection.closings).isEmpty();
    world.runFor(Duration.ofMillis(1_000));
    assertThat(connection.closings).containsExactly("silent for 4000 ms");

    var slow = new PlayedConnection();
    PeerHandler slowly = session(slow);
    for (int i = 1; i <= 200; i++) {
      world.runFor(Duration.ofMillis(i < 100 ? 500 + 30 * i : 3_500));
      slowly.onFrame(slow, new Frame.Heartbeat(i, 0, Frame.Backlog.NONE));
    }
    assertThat(slow.closings).isEmpty();
    world.runFor(Duration.ofSeconds(30));
    assertThat(slow.closings).hasSize(1);
  }
}
