package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.place.Homes;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** One node's replication over a transport that the test plays. */
class ReplicatorTest {
  private static final int MAX_VALUE_BYTES = 1 << 16;
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");

  private final SimWorld world = new SimWorld(1);
  private final SimNode node = new SimNode(world, "eu");
  private final SerialExecutor loop = node.scheduler().serial("loop");
  private final OfferedCopies copies = new OfferedCopies();
  private final PlayedTransport transport = new PlayedTransport();
  private final List<PeerStateChange> changes = new ArrayList<>();

  /** Fails for one address, welcomes at another, and never answers elsewhere. */
  private final class PlayedTransport implements PeerTransport {
    final List<String> dialled = new ArrayList<>();
    String failsAt = "";
    String welcomesAt = "";
    boolean endsAfterWelcome;
    @Nullable PeerHandler handler;
    @Nullable Acceptor acceptor;
    PlayedConnection connection = new PlayedConnection();

    @Override
    public PeerAddress listen(PeerAddress address, Acceptor by) {
      acceptor = by;
      return address;
    }

    @Override
    public void connect(PeerAddress address, PeerHandler by) {
      dialled.add(address.host());
      if (address.host().equals(failsAt)) {
        throw new IllegalStateException("a defect");
      }
      if (address.host().equals(welcomesAt)) {
        var opened = new PlayedConnection();
        connection = opened;
        handler = by;
        var welcome =
            new Frame.Welcome(1, "test", new RegionName(welcomesAt), 7, VersionVector.EMPTY);
        loop.execute(() -> by.onOpen(opened));
        loop.execute(() -> by.onFrame(opened, welcome));
        if (endsAfterWelcome) {
          loop.execute(() -> by.onClosed(opened, "it ends as soon as it has begun"));
        }
      }
    }

    /** The other side of the dialled connection says something. */
    void answer(Frame frame) {
      PeerHandler by = handler;
      assertThat(by).isNotNull();
      loop.execute(() -> by.onFrame(connection, frame));
    }

    @Override
    public TransportStats stats() {
      return new TransportStats(0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    @Override
    public void close() {}
  }

  private static final class PlayedConnection implements PeerConnection {
    final List<Frame> sent = new ArrayList<>();
    final List<String> closings = new ArrayList<>();

    @Override
    public boolean send(Frame frame) {
      sent.add(frame);
      return true;
    }

    @Override
    public void established() {}

    @Override
    public void close(String reason) {
      closings.add(reason);
    }

    @Override
    public String remote() {
      return "played";
    }

    <T extends Frame> T last(Class<T> type) {
      return sent.stream()
          .filter(type::isInstance)
          .map(type::cast)
          .reduce((a, b) -> b)
          .orElseThrow();
    }
  }

  /** Has nothing, and wants everything. */
  private static final class OfferedCopies implements LocalCopies {
    final List<MetadataRecord> offered = new ArrayList<>();

    @Override
    public @Nullable MetadataRecord find(Key key) {
      return null;
    }

    @Override
    public @Nullable MetadataRecord findSuperseded(Key key) {
      return null;
    }

    @Override
    public boolean wants(Key key) {
      return true;
    }

    @Override
    public void offer(MetadataRecord record) {
      offered.add(record);
    }
  }

  private Replicator replicator() {
    var config =
        ReplicationConfig.of(
            "test",
            EU,
            new PeerAddress("eu", 1),
            Map.of(AP, new PeerAddress("ap", 1), US, new PeerAddress("us", 1)),
            MAX_VALUE_BYTES);
    var store =
        RecordStore.open(
            new StoreConfig(
                "test",
                EU,
                new JournalConfig(1 << 16),
                Durabilities.all(Durability.SYNC),
                MAX_VALUE_BYTES,
                1 << 20,
                64 << 20,
                CompactionConfig.DEFAULT),
            node.disk(),
            node.clock(),
            node.random(),
            node.scheduler().serial("journal"),
            changes -> {});
    return new Replicator(
        config,
        key -> key.namespace().equals("us") ? new Homes(US, AP) : new Homes(AP, EU),
        store,
        transport,
        loop,
        node.clock(),
        node.random(),
        copies,
        new NoMoves(),
        changes::add);
  }

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

  private static MetadataRecord record(String key, long counter, @Nullable String payload) {
    var version =
        new Version(
            new Dot(new ActorId(5), counter), VersionVector.EMPTY, new Stamp(counter << 16));
    Bytes bytes = Bytes.utf8(payload == null ? "not sent along" : payload);
    Header header = Header.value(version, US, bytes, Header.NEVER);
    return new MetadataRecord(Key.of(key), header, payload == null ? null : bytes);
  }

  @Test
  void anAnswerThatIsNotWhatWasAskedFor_isNoAnswer() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord wanted = record("us/1", 2, "two");
    var answers =
        List.of(record("us/1", 1, "one"), record("us/1", 2, null), record("us/1", 2, "two"));
    var results = new ArrayList<FetchResult>();
    for (MetadataRecord answer : answers) {
      CompletableFuture<FetchResult> fetched = replicator.fetch(wanted.key(), wanted.header());
      world.runFor(Duration.ofMillis(1));
      long request = transport.connection.last(Frame.Fetch.class).requestId();
      transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(answer))));
      world.runFor(Duration.ofMillis(1));
      assertThat(fetched).isDone();
      results.add(fetched.join());
    }
    assertThat(results)
        .containsExactly(
            new FetchResult.NotHeld(true),
            new FetchResult.NotHeld(true),
            new FetchResult.Found(wanted, US));
  }

  /** Region us has dialled and said hello. */
  private PeerHandler session(PlayedConnection connection) {
    PeerTransport.Acceptor acceptor = transport.acceptor;
    assertThat(acceptor).isNotNull();
    PeerHandler session = acceptor.accept(connection);
    session.onOpen(connection);
    session.onFrame(
        connection,
        new Frame.Hello(
            1, 1, "test", US, 7, List.of(AP, EU, US), MAX_VALUE_BYTES, new TreeMap<>()));
    assertThat(connection.last(Frame.Welcome.class).region()).isEqualTo(EU);
    return session;
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

  /** No test here moves a home. */
  private static final class NoMoves implements HomeMoves {
    @Override
    public CompletableFuture<Result> moveFromHere(Key key, RegionName to) {
      throw new AssertionError("nobody asked to move " + key);
    }

    @Override
    public CompletableFuture<Result> hold(MetadataRecord record) {
      throw new AssertionError("nobody asked to hold " + record.key());
    }
  }
}
