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
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.Published;
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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One node's replication over a transport that the test plays: what several tests are made of. */
abstract class PlayedReplication {
  static final int MAX_VALUE_BYTES = 1 << 16;
  static final RegionName EU = new RegionName("eu");
  static final RegionName US = new RegionName("us");
  static final RegionName AP = new RegionName("ap");

  final SimWorld world = new SimWorld(1);
  final SimNode node = new SimNode(world, "eu");
  final SerialExecutor loop = node.scheduler().serial("loop");
  VersionVector has = VersionVector.EMPTY;
  final OfferedCopies copies = new OfferedCopies();
  final PlayedTransport transport = new PlayedTransport();
  final List<PeerStateChange> stateChanges = new ArrayList<>();

  /** Fails for one address, welcomes at another, and never answers elsewhere. */
  final class PlayedTransport implements PeerTransport {
    final List<String> dialled = new ArrayList<>();
    String failsAt = "";
    String welcomesAt = "";
    int protocol = 1;
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
        var welcome = new Frame.Welcome(protocol, "test", new RegionName(welcomesAt), 7, has);
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
      return new TransportStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, null);
    }

    @Override
    public void close() {}
  }

  static final class PlayedConnection implements PeerConnection {
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
  static final class OfferedCopies implements LocalCopies {
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

  RecordStore store;
  SerialExecutor committing;
  SerialExecutor compacting;
  CompactionConfig compaction = CompactionConfig.DEFAULT;
  Durability durability = Durability.SYNC;

  Replicator replicator() {
    committing = node.scheduler().serial("journal");
    compacting = node.scheduler().serial("compaction");
    var config =
        ReplicationConfig.of(
            "test",
            EU,
            new PeerAddress("eu", 1),
            Map.of(AP, new PeerAddress("ap", 1), US, new PeerAddress("us", 1)),
            MAX_VALUE_BYTES);
    store =
        RecordStore.open(
            new StoreConfig(
                "test",
                EU,
                new JournalConfig(1 << 16),
                Durabilities.all(durability),
                MAX_VALUE_BYTES,
                1 << 20,
                64 << 20,
                compaction),
            node.disk(),
            node.clock(),
            node.random(),
            committing,
            changes -> published.forEach(listener -> listener.accept(changes)));
    var replicator =
        new Replicator(
            config,
            key -> key.namespace().equals("us") ? new Homes(US, AP) : new Homes(AP, EU),
            store,
            transport,
            loop,
            node.clock(),
            node.random(),
            copies,
            new NoMoves(),
            stateChanges::add,
            node.scheduler().serial("background"),
            null);
    published.clear();
    published.add(replicator::published);
    store.startCompaction(
        compacting, replicator::neededAfter, replicator::stableFloor, replicator::leastWallMs);
    return replicator;
  }

  final List<Consumer<List<Published>>> published = new ArrayList<>();

  /** As a node does that is stopped in order. */
  void close(Replicator replicator) {
    replicator.noteProgress();
    store.refuseWrites();
    replicator.close();
    store.close();
  }

  void write(int from, int to, int bytes) {
    for (int i = from; i < to; i++) {
      store.write(
          Key.of("us/" + i), Bytes.copyOf(new byte[bytes]), Header.NEVER, Precondition.NONE);
      if (i % 10 == 9) {
        world.runFor(Duration.ofMillis(1));
      }
    }
    world.runFor(Duration.ofMillis(1));
  }

  List<Frame.Changes> changesSent() {
    return transport.connection.sent.stream()
        .filter(Frame.Changes.class::isInstance)
        .map(Frame.Changes.class::cast)
        .toList();
  }

  void acknowledge(Frame.Changes changes) {
    transport.answer(new Frame.Ack(changes.actor(), changes.upTo(), false));
    world.runFor(Duration.ofMillis(1));
  }

  PeerStats us(Replicator replicator) {
    return replicator.stats().peers().get(1);
  }

  <T extends Frame> List<T> sentOver(PlayedConnection connection, Class<T> type) {
    return connection.sent.stream().filter(type::isInstance).map(type::cast).toList();
  }

  static MetadataRecord record(String key, long counter, @Nullable String payload) {
    var version =
        new Version(
            new Dot(new ActorId(5), counter), VersionVector.EMPTY, new Stamp(counter << 16));
    Bytes bytes = Bytes.utf8(payload == null ? "not sent along" : payload);
    Header header = Header.value(version, US, bytes, Header.NEVER);
    return new MetadataRecord(Key.of(key), header, payload == null ? null : bytes);
  }

  <T extends Frame> List<T> sent(Class<T> type) {
    return transport.connection.sent.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** Region us has dialled and said hello. */
  PeerHandler session(PlayedConnection connection) {
    return session(connection, 1);
  }

  PeerHandler session(PlayedConnection connection, int highestProtocol) {
    PeerTransport.Acceptor acceptor = transport.acceptor;
    assertThat(acceptor).isNotNull();
    PeerHandler session = acceptor.accept(connection);
    session.onOpen(connection);
    session.onFrame(connection, hello(new ActorId(8), highestProtocol));
    assertThat(connection.last(Frame.Welcome.class).region()).isEqualTo(EU);
    return session;
  }

  static Frame.Hello hello(ActorId actor) {
    return hello(actor, 1);
  }

  static Frame.Hello hello(ActorId actor, int highestProtocol) {
    return new Frame.Hello(
        1,
        highestProtocol,
        "test",
        US,
        7,
        actor,
        List.of(AP, EU, US),
        MAX_VALUE_BYTES,
        new TreeMap<>(),
        Frame.Belonging.INITIAL);
  }

  static Frame.Hello helloOfAp(ActorId actor) {
    return new Frame.Hello(
        1,
        1,
        "test",
        AP,
        11,
        actor,
        List.of(AP, EU, US),
        MAX_VALUE_BYTES,
        new TreeMap<>(),
        Frame.Belonging.INITIAL);
  }

  /** No test here moves a home. */
  static final class NoMoves implements HomeMoves {
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
