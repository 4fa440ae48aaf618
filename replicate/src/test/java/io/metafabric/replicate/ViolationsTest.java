package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.AppliedPrefix;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Refusal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What a peer must not say: nothing of it is taken, and the peer is cut off. */
class ViolationsTest extends PlayedReplication {
  /** What is sent is a violation: nothing of it is taken, and the peer is cut off and told. */
  private void cutsOff(Supplier<Frame> sent, String why) {
    Replicator replicator = replicator();
    replicator.start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection, 2);
    store.applyRange(0, List.of(), new AppliedPrefix(AP, new ActorId(77), 3));
    world.runFor(Duration.ofMillis(100));
    session.onFrame(connection, sent.get());
    world.runFor(Duration.ofMillis(100));
    assertThat(connection.last(Frame.CutOff.class).reason()).isEqualTo(Refusal.VIOLATION);
    assertThat(connection.last(Frame.CutOff.class).message()).contains(why);
    assertThat(connection.closings).singleElement().asString().contains("protocol violation", why);
    PeerStats us = us(replicator);
    assertThat(us.violations()).isEqualTo(1);
    assertThat(us.problem()).contains(why);
    assertThat(store.header(Key.of("us/1"))).isNull();
    assertThat(store.takenUpTo(new ActorId(77))).isEqualTo(3);
    assertThat(connection.sent.stream().noneMatch(Frame.Ack.class::isInstance)).isTrue();
  }

  @Test
  void changesOfAnActorOfAnotherRegion_areCutOff_evenWithoutARecord() {
    cutsOff(
        () -> new Frame.Changes(new ActorId(77), 3, 1000, List.of()),
        "us sent changes of actor 000000000000004d, which is of region ap");
  }

  /** Only who is asked says where copies are. */
  @Test
  void copiesThatADiallerNames_areCutOff() {
    cutsOff(
        () -> new Frame.Copies(Key.of("us/1"), new TreeMap<>(Map.of(AP, 1L))),
        "Copies is not due here");
  }

  /** It has written nothing yet. */
  @Test
  void changesOfAnActorThatAnotherRegionHasSaidToBe_areCutOff() {
    cutsOff(
        () -> {
          dials(helloOfAp(new ActorId(78)));
          return new Frame.Changes(new ActorId(78), 0, 1000, List.of());
        },
        "us sent changes of actor 000000000000004e, which is of region ap");
  }

  @Test
  void whoSaysToBeAnActorOfAnother_isRefused_whetherThatHasWrittenOrNot() {
    replicator().start();
    var first = new PlayedConnection();
    session(first);
    store.applyRange(0, List.of(), new AppliedPrefix(US, new ActorId(6), 3));
    world.runFor(Duration.ofMillis(100));
    for (ActorId taken : List.of(new ActorId(8), new ActorId(6), store.actor())) {
      Frame.Refuse refusal = dials(helloOfAp(taken)).last(Frame.Refuse.class);
      assertThat(refusal.reason()).isEqualTo(Refusal.IDENTITY);
      assertThat(refusal.message())
          .contains("region ap says that it writes as " + taken)
          .contains("that is region " + (taken.equals(store.actor()) ? EU : US));
    }
    assertThat(first.closings).isEmpty();
    assertThat(dials(helloOfAp(new ActorId(9))).last(Frame.Welcome.class).region()).isEqualTo(EU);
  }

  private PlayedConnection dials(Frame.Hello hello) {
    PeerTransport.Acceptor acceptor = transport.acceptor;
    assertThat(acceptor).isNotNull();
    var connection = new PlayedConnection();
    PeerHandler handler = acceptor.accept(connection);
    handler.onOpen(connection);
    handler.onFrame(connection, hello);
    return connection;
  }

  @Test
  void aWholeForAnActorOfAnotherRegion_isCutOff_andSoIsAPart() {
    var upTo = VersionVector.of(new Dot(new ActorId(77), 3));
    cutsOff(() -> new Frame.Whole(upTo), "all of actor 000000000000004d, which is of region ap");
    assertThat(store.regionOf(new ActorId(77))).isEqualTo(AP);
    cutsOff(
        () -> new Frame.Part(new Frame.Changes(new ActorId(77), 3, 1000, List.of())),
        "us sent changes of actor 000000000000004d, which is of region ap");
  }

  @Test
  void aWholeForAnActorOfWhichNothingCame_isCutOff() {
    var upTo = VersionVector.of(new Dot(new ActorId(79), 3));
    cutsOff(() -> new Frame.Whole(upTo), "of which it has sent nothing");
    assertThat(store.regionOf(new ActorId(79))).isNull();
  }

  @Test
  void changesOfThisRegionsOwnActor_areCutOff() {
    cutsOff(() -> new Frame.Changes(store.actor(), 0, 9, List.of()), "which is of region eu");
  }

  @Test
  void changesWrittenInAnotherRegion_areCutOff() {
    MetadataRecord foreign = record("us/1", 1, "x");
    Header header = Header.value(foreign.header().version(), AP, Bytes.utf8("x"), Header.NEVER);
    cutsOff(
        () ->
            new Frame.Changes(
                new ActorId(5),
                0,
                1,
                List.of(new MetadataRecord(foreign.key(), header, Bytes.utf8("x")))),
        "us sent a change of region ap");
  }

  @Test
  void anUnexpectedFrame_isCutOff() {
    cutsOff(
        () -> new Frame.Welcome(1, "test", US, 7, VersionVector.EMPTY), "Welcome is not due here");
  }

  @Test
  void aHelloAsAnotherRegion_onAConnectionThatIsKnown_isCutOff() {
    cutsOff(
        () ->
            new Frame.Hello(
                1,
                2,
                "test",
                AP,
                7,
                new ActorId(8),
                List.of(AP, EU, US),
                MAX_VALUE_BYTES,
                new TreeMap<>(),
                Frame.Belonging.INITIAL),
        "us says now that it is ap");
  }

  /** A version that has seen a write of this node's that is still to come would hide it. */
  @Test
  void versionsThatKnowTheFutureOfThisNode_areCutOff_howeverTheyCome() {
    Replicator replicator = replicator();
    replicator.start();
    store.write(Key.of("us/9"), Bytes.utf8("1"), Header.NEVER, Precondition.NONE);
    world.runFor(Duration.ofMillis(100));
    ActorId own = store.actor();
    MetadataRecord past = knows(new Dot(own, 1));
    MetadataRecord future = knows(new Dot(own, 2));
    MetadataRecord lone =
        new MetadataRecord(
            future.key(),
            future
                .header()
                .withVersion(
                    future
                        .header()
                        .version()
                        .withContext(VersionVector.EMPTY.withLone(new Dot(own, 7)))),
            future.payload());
    var good = new PlayedConnection();
    session(good, 2).onFrame(good, new Frame.Repair(0, 0, true, List.of(), List.of(past)));
    assertThat(good.closings).isEmpty();
    List<Frame> bad =
        List.of(
            new Frame.Changes(new ActorId(5), 0, 1, List.of(future)),
            new Frame.Repair(0, 0, true, List.of(), List.of(future)),
            new Frame.Repair(0, 0, true, List.of(), List.of(lone)),
            new Frame.Push(List.of(future)),
            new Frame.Hold(1, future));
    for (Frame each : bad) {
      var connection = new PlayedConnection();
      session(connection, 2).onFrame(connection, each);
      world.runFor(Duration.ofMillis(100));
      assertThat(connection.closings)
          .as(each.toString())
          .singleElement()
          .asString()
          .contains("of this node, which has issued 1");
    }
    assertThat(us(replicator).violations()).isEqualTo(bad.size());
  }

  private static MetadataRecord knows(Dot seen) {
    MetadataRecord record = record("us/1", 1, "x");
    Header header = record.header();
    return new MetadataRecord(
        record.key(),
        header.withVersion(header.version().withContext(VersionVector.of(seen))),
        record.payload());
  }

  @Test
  void whoSpeaksTheFirstProtocol_isCutOffWithoutAWord() {
    replicator().start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection, 1);
    session.onFrame(connection, new Frame.Changes(store.actor(), 0, 1000, List.of()));
    assertThat(connection.closings).hasSize(1);
    assertThat(connection.sent.stream().noneMatch(Frame.CutOff.class::isInstance)).isTrue();
  }
}
