package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.AppliedPrefix;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which changes of a peer are taken, and when they count as applied. */
class IncomingChangesTest extends PlayedReplication {
  @Test
  void aPeerThatSendsMoreThanItWasGranted_isNotTaken_andCounted() {
    Replicator replicator = replicator();
    replicator.start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    int granted = connection.last(Frame.Credit.class).bytes();
    assertThat(granted).isPositive();
    String payload = "x".repeat(60_000);
    int sent = 0;
    for (int i = 1; sent < 2 * granted; i++) {
      var batch = List.of(record("us/" + i, i, payload));
      session.onFrame(connection, new Frame.Changes(new ActorId(5), i - 1, i, batch));
      sent += payload.length();
      assertThat(replicator.stats().receivedBytes()).isLessThan(granted + 128_000);
    }
    assertThat(replicator.stats().overCredit()).isPositive();
    world.runFor(Duration.ofSeconds(1));
    assertThat(replicator.stats().receivedBytes()).isZero();
    long taken = connection.last(Frame.Ack.class).counter();
    assertThat(taken * payload.length()).isBetween((long) granted / 2, 2L * granted);
  }

  @Test
  void whatThereIsNoRoomFor_isAskedForOnce_andNotBeforeThereIs() {
    Replicator replicator = replicator();
    replicator.start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    int granted = connection.last(Frame.Credit.class).bytes();
    String payload = "x".repeat(60_000);
    int n = 0;
    while (replicator.stats().overCredit() == 0) {
      session.onFrame(connection, change(++n, payload));
    }
    int refused = n;
    for (int i = 0; i < 100; i++) {
      session.onFrame(connection, change(++n, payload));
    }
    assertThat(replicator.stats().receivedBytes()).isGreaterThan(granted);
    assertThat(wishes(connection)).as("it would be sent in vain").isZero();
    session.onFrame(connection, change(1, payload));
    assertThat(wishes(connection)).as("what comes twice changes nothing").isZero();
    world.runFor(Duration.ofSeconds(1));
    assertThat(replicator.stats().receivedBytes()).isZero();
    assertThat(wishes(connection)).isEqualTo(1);
    session.onFrame(connection, change(n, payload));
    assertThat(wishes(connection)).as("there is a gap, and room").isEqualTo(2);
    for (int i = refused; i <= n; i++) {
      session.onFrame(connection, change(i, payload));
    }
    world.runFor(Duration.ofSeconds(1));
    assertThat(connection.last(Frame.Ack.class)).isEqualTo(new Frame.Ack(new ActorId(5), n, false));
    assertThat(wishes(connection)).isEqualTo(2);
  }

  private static Frame.Changes change(int n, String payload) {
    return new Frame.Changes(new ActorId(5), n - 1, n, List.of(record("us/" + n, n, payload)));
  }

  private long wishes(PlayedConnection connection) {
    return sentOver(connection, Frame.Ack.class).stream().filter(Frame.Ack::resend).count();
  }

  @Test
  void whatComesInParts_isKeptAndAcknowledged_andCountsAsAppliedOnceItIsWhole() {
    Replicator replicator = replicator();
    replicator.start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    var actor = new ActorId(5);
    session.onFrame(connection, part(actor, 3, 4, record("us/4", 4, "before its time")));
    world.runFor(Duration.ofSeconds(1));
    assertThat(connection.last(Frame.Ack.class)).isEqualTo(new Frame.Ack(actor, 0, true));

    session.onFrame(connection, part(actor, 0, 3, record("us/3", 3, "in place of 1 and 2")));
    session.onFrame(connection, part(actor, 3, 4, record("us/4", 4, "in its time")));
    session.onFrame(connection, part(actor, 4, 9));
    assertThat(sentOver(connection, Frame.Ack.class)).as("nothing is durable yet").hasSize(1);
    world.runFor(Duration.ofSeconds(1));
    assertThat(connection.last(Frame.Ack.class)).isEqualTo(new Frame.Ack(actor, 9, false));
    assertThat(store.header(Key.of("us/4"))).isNotNull();
    assertThat(store.appliedOf(US)).isEqualTo(VersionVector.EMPTY);

    store.applyRange(0, List.of(), new AppliedPrefix(AP, new ActorId(77), 3));
    world.runFor(Duration.ofSeconds(1));
    assertThat(store.applyRange(3, List.of(), new AppliedPrefix(US, new ActorId(77), 9)))
        .as("whose actor is whose does not change")
        .isCompletedWithValue(false);
    var tooMuch = new Frame.Whole(VersionVector.of(new Dot(actor, 10)));
    session.onFrame(connection, tooMuch);
    world.runFor(Duration.ofSeconds(1));
    assertThat(sentOver(connection, Frame.Whole.class)).isEmpty();
    assertThat(store.appliedOf(US)).isEqualTo(VersionVector.EMPTY);

    var whole = new Frame.Whole(VersionVector.of(new Dot(actor, 9)));
    session.onFrame(connection, whole);
    session.onFrame(connection, whole);
    assertThat(sentOver(connection, Frame.Whole.class)).as("not durable yet").isEmpty();
    world.runFor(Duration.ofSeconds(1));
    assertThat(sentOver(connection, Frame.Whole.class)).containsExactly(whole, whole);
    assertThat(store.appliedOf(US)).isEqualTo(whole.upTo());
    session.onFrame(connection, whole);
    world.runFor(Duration.ofSeconds(1));
    assertThat(sentOver(connection, Frame.Whole.class)).as("its answer was lost").hasSize(3);
    session.onFrame(
        connection, new Frame.Changes(actor, 9, 10, List.of(record("us/10", 10, "goes on"))));
    world.runFor(Duration.ofSeconds(1));
    assertThat(store.appliedOf(US).counter(actor)).isEqualTo(10);
  }

  @Test
  void aPartThatIsStampedTooFarAhead_isNotAcknowledged_norWhatIsBehindIt() {
    Replicator replicator = replicator();
    replicator.start();
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    var actor = new ActorId(5);
    MetadataRecord now = record("us/1", 1, "now");
    Header header = now.header();
    var late =
        new Version(header.version().dot(), VersionVector.EMPTY, new Stamp(Long.MAX_VALUE >> 1));
    var ahead =
        new MetadataRecord(
            now.key(), Header.value(late, US, now.payload(), Header.NEVER), now.payload());
    session.onFrame(connection, part(actor, 0, 1, ahead));
    session.onFrame(connection, part(actor, 1, 2, record("us/2", 2, "behind it")));
    world.runFor(Duration.ofSeconds(1));
    assertThat(sentOver(connection, Frame.Ack.class)).isEmpty();
    assertThat(replicator.stats().batchesRefused()).isPositive();
    session.onFrame(connection, part(actor, 0, 1, now));
    world.runFor(Duration.ofSeconds(1));
    assertThat(connection.last(Frame.Ack.class)).isEqualTo(new Frame.Ack(actor, 1, false));
  }

  private static Frame.Part part(ActorId actor, long after, long upTo, MetadataRecord... records) {
    return new Frame.Part(new Frame.Changes(actor, after, upTo, List.of(records)));
  }
}
