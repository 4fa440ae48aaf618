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
import io.metafabric.core.store.AppliedPrefix;
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
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.Refusal;
import io.metafabric.core.wire.ShadowVerb;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
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
  private VersionVector has = VersionVector.EMPTY;
  private final OfferedCopies copies = new OfferedCopies();
  private final PlayedTransport transport = new PlayedTransport();
  private final List<PeerStateChange> stateChanges = new ArrayList<>();

  /** Fails for one address, welcomes at another, and never answers elsewhere. */
  private final class PlayedTransport implements PeerTransport {
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

  private RecordStore store;
  private SerialExecutor committing;
  private SerialExecutor compacting;
  private CompactionConfig compaction = CompactionConfig.DEFAULT;
  private Durability durability = Durability.SYNC;

  private Replicator replicator() {
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
    store.startCompaction(compacting, replicator::neededAfter, replicator::stableFloor);
    return replicator;
  }

  private final List<Consumer<List<Published>>> published = new ArrayList<>();

  /** As a node does that is stopped in order. */
  private void close(Replicator replicator) {
    replicator.noteProgress();
    store.refuseWrites();
    replicator.close();
    store.close();
  }

  private void write(int from, int to, int bytes) {
    for (int i = from; i < to; i++) {
      store.write(
          Key.of("us/" + i), Bytes.copyOf(new byte[bytes]), Header.NEVER, Precondition.NONE);
      if (i % 10 == 9) {
        world.runFor(Duration.ofMillis(1));
      }
    }
    world.runFor(Duration.ofMillis(1));
  }

  private List<Frame.Changes> changesSent() {
    return transport.connection.sent.stream()
        .filter(Frame.Changes.class::isInstance)
        .map(Frame.Changes.class::cast)
        .toList();
  }

  private void acknowledge(Frame.Changes changes) {
    transport.answer(new Frame.Ack(changes.actor(), changes.upTo(), false));
    world.runFor(Duration.ofMillis(1));
  }

  private PeerStats us(Replicator replicator) {
    return replicator.stats().peers().get(1);
  }

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

  private <T extends Frame> List<T> sentOver(PlayedConnection connection, Class<T> type) {
    return connection.sent.stream().filter(type::isInstance).map(type::cast).toList();
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

  /** The results come in the order of the answers. */
  private static Map<Key, FetchResult> prefetch(Replicator replicator, MetadataRecord... wanted) {
    var headers = new LinkedHashMap<Key, Header>();
    var results = new LinkedHashMap<Key, FetchResult>();
    for (MetadataRecord record : wanted) {
      headers.put(record.key(), record.header());
    }
    replicator.prefetch(
        headers,
        (key, result) -> assertThat(results.put(key, result)).as("once for %s", key).isNull());
    return results;
  }

  private <T extends Frame> List<T> sent(Class<T> type) {
    return transport.connection.sent.stream().filter(type::isInstance).map(type::cast).toList();
  }

  @Test
  void aReadThatJoinsAPrefetch_hurriesItOnce_whileItIsUnderWay() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord one = record("us/1", 1, "one");
    MetadataRecord two = record("us/2", 2, "two");
    Map<Key, FetchResult> results = prefetch(replicator, one, two);
    for (int i = 0; i < 3; i++) {
      replicator.hurry(two.key());
    }
    replicator.hurry(Key.of("us/3"));
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.Fetch.class).requestId();
    assertThat(sent(Frame.Hurry.class)).containsExactly(new Frame.Hurry(request, two.key()));

    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(two))));
    world.runFor(Duration.ofMillis(1));
    replicator.hurry(two.key());
    world.runFor(Duration.ofMillis(1));
    assertThat(sent(Frame.Hurry.class)).hasSize(1);
    assertThat(replicator.stats().prefetchesHurried()).isEqualTo(1);
    assertThat(results).containsExactly(Map.entry(two.key(), new FetchResult.Found(two, US)));
    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(one))));
    world.runFor(Duration.ofSeconds(10));
    assertThat(results).hasSize(2);
    assertThat(sent(Frame.Forget.class)).isEmpty();
  }

  @Test
  void whatAPeerSaysOfShadowsElsewhere_isNotBelieved_unlessItMadeThem() {
    transport.welcomesAt = "us";
    transport.protocol = FrameCodec.PROTOCOL;
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    var ofItself = new Frame.ShadowAnswer(US, MoveOutcome.NOT_FOUND, "", null);
    var ofAnother = new Frame.ShadowAnswer(AP, MoveOutcome.DONE, "", null);
    assertThat(askedOfShadow(replicator, ShadowVerb.TELL, ofItself)).containsExactly(ofItself);
    assertThat(askedOfShadow(replicator, ShadowVerb.MAKE, ofItself, ofAnother))
        .containsExactly(ofItself, ofAnother);
    for (ShadowVerb verb : List.of(ShadowVerb.TELL, ShadowVerb.CLAIM, ShadowVerb.END)) {
      assertThat(askedOfShadow(replicator, verb, ofAnother))
          .singleElement()
          .satisfies(
              each -> {
                assertThat(each.region()).isEqualTo(US);
                assertThat(each.outcome()).isEqualTo(MoveOutcome.UNREACHABLE);
                assertThat(each.message()).contains("another region");
              });
    }
  }

  private List<Frame.ShadowAnswer> askedOfShadow(
      Replicator replicator, ShadowVerb verb, Frame.ShadowAnswer... answers) {
    var said = replicator.askShadow(US, verb, Key.of("us/1"), null, null);
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.ShadowRequest.class).requestId();
    transport.answer(new Frame.ShadowReply(request, List.of(answers)));
    world.runFor(Duration.ofMillis(1));
    return said.join();
  }

  @Test
  void aPrefetchThatIsOvertaken_isCalledOff_andItsAnswerIsNotHeeded() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    var known = List.of(record("us/1", 1, null), record("us/2", 2, null), record("us/3", 3, null));
    session.onFrame(connection, new Frame.Changes(new ActorId(5), 0, 3, known));
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord pushed = record("us/1", 1, "not sent along");
    MetadataRecord replaced = record("us/2", 2, "not sent along");
    MetadataRecord wanted = record("us/3", 3, "not sent along");
    Map<Key, FetchResult> results = prefetch(replicator, pushed, replaced, wanted);
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.Fetch.class).requestId();

    session.onFrame(connection, new Frame.Push(List.of(pushed)));
    assertThat(copies.offered).containsExactly(pushed);
    session.onFrame(
        connection,
        new Frame.Changes(new ActorId(5), 3, 4, List.of(record("us/2", 4, "a newer value"))));
    world.runFor(Duration.ofMillis(100));
    assertThat(sent(Frame.Forget.class))
        .containsExactly(
            new Frame.Forget(request, List.of(pushed.key())),
            new Frame.Forget(request, List.of(replaced.key())));
    assertThat(results)
        .containsExactly(
            Map.entry(pushed.key(), new FetchResult.Overtaken()),
            Map.entry(replaced.key(), new FetchResult.Overtaken()));
    assertThat(replicator.stats().prefetchesCancelled()).isEqualTo(2);

    var late =
        List.<Frame.Answer>of(new Frame.Answer.Found(pushed), new Frame.Answer.Found(wanted));
    transport.answer(new Frame.FetchReply(request, late));
    world.runFor(Duration.ofSeconds(10));
    assertThat(results).hasSize(3);
    assertThat(results.get(wanted.key())).isEqualTo(new FetchResult.Found(wanted, US));
    assertThat(sent(Frame.Forget.class)).hasSize(2);
  }

  @Test
  void whenPrefetchesAreCalledOff_theyAreForgottenThere_butNotWhatAReadWaitsFor() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord one = record("us/1", 1, "one");
    MetadataRecord two = record("us/2", 2, "two");
    MetadataRecord three = record("us/3", 3, "three");
    Map<Key, FetchResult> results = prefetch(replicator, three, two, one);
    replicator.hurry(two.key());
    world.runFor(Duration.ofMillis(1));
    assertThat(replicator.stats().prefetchingBytes()).isPositive();
    // One that was begun and not sent yet is called off as well.
    MetadataRecord four = record("us/4", 4, "four");
    Map<Key, FetchResult> begun = prefetch(replicator, four);
    replicator.callOffPrefetches();
    long request = transport.connection.last(Frame.Fetch.class).requestId();
    world.runFor(Duration.ofMillis(1));

    assertThat(sent(Frame.Forget.class))
        .containsExactly(
            new Frame.Forget(request, List.of(one.key(), three.key())),
            new Frame.Forget(request + 1, List.of(four.key())));
    assertThat(results)
        .containsExactly(
            Map.entry(one.key(), new FetchResult.Overtaken()),
            Map.entry(three.key(), new FetchResult.Overtaken()));
    assertThat(begun).containsExactly(Map.entry(four.key(), new FetchResult.Overtaken()));
    assertThat(replicator.stats().prefetchesCancelled()).isEqualTo(3);

    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(two))));
    world.runFor(Duration.ofSeconds(10));
    assertThat(results.get(two.key())).isEqualTo(new FetchResult.Found(two, US));
    assertThat(replicator.stats().prefetchingBytes()).isZero();
  }

  @Test
  void ofPrefetches_noMoreAreUnderWayThanThereIsRoomFor() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    int room = (int) ReplicationStats.MAX_PREFETCHING_BYTES / Fetches.PREFETCH_OVERHEAD_BYTES;
    MetadataRecord[] wanted =
        IntStream.range(0, room)
            .mapToObj(i -> record("us/" + i, 1, null))
            .toArray(MetadataRecord[]::new);
    Map<Key, FetchResult> results = prefetch(replicator, wanted);
    world.runFor(Duration.ofMillis(1));
    assertThat(replicator.stats().prefetchingBytes())
        .isBetween(
            ReplicationStats.MAX_PREFETCHING_BYTES * 99 / 100,
            ReplicationStats.MAX_PREFETCHING_BYTES);
    assertThat(results).isNotEmpty().doesNotContainKey(wanted[0].key());
    assertThat(results.values())
        .allSatisfy(result -> assertThat(result).isInstanceOf(FetchResult.Unreachable.class));
    int asked = transport.connection.last(Frame.Fetch.class).wanted().size();
    assertThat(asked).isEqualTo(room - results.size());

    transport.connection.close("gone");
    replicator.callOffPrefetches();
    world.runFor(Duration.ofSeconds(10));
    assertThat(results).hasSize(room);
    assertThat(replicator.stats().prefetchingBytes()).isZero();
  }

  @Test
  void whatIsNotAnsweredInTime_isCalledOff_andSoIsNothingAtTheEnd() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord one = record("us/1", 1, "one");
    MetadataRecord two = record("us/2", 2, "two");
    Map<Key, FetchResult> results = prefetch(replicator, one, two);
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.Fetch.class).requestId();
    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(two))));
    for (int i = 0; i < 30 && results.size() < 2; i++) {
      world.runFor(Duration.ofMillis(500));
    }
    assertThat(results.get(one.key())).isInstanceOf(FetchResult.Unreachable.class);
    assertThat(sent(Frame.Forget.class))
        .containsExactly(new Frame.Forget(request, List.of(one.key())));

    Map<Key, FetchResult> open = prefetch(replicator, one);
    world.runFor(Duration.ofMillis(1));
    close(replicator);
    assertThat(open.get(one.key())).isEqualTo(new FetchResult.Unreachable("the fabric is closed"));
    assertThat(sent(Frame.Forget.class)).hasSize(1);
  }

  /** Region us has dialled and said hello. */
  private PeerHandler session(PlayedConnection connection) {
    return session(connection, 1);
  }

  private PeerHandler session(PlayedConnection connection, int highestProtocol) {
    PeerTransport.Acceptor acceptor = transport.acceptor;
    assertThat(acceptor).isNotNull();
    PeerHandler session = acceptor.accept(connection);
    session.onOpen(connection);
    session.onFrame(connection, hello(new ActorId(8), highestProtocol));
    assertThat(connection.last(Frame.Welcome.class).region()).isEqualTo(EU);
    return session;
  }

  private static Frame.Hello hello(ActorId actor) {
    return hello(actor, 1);
  }

  private static Frame.Hello hello(ActorId actor, int highestProtocol) {
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

  private static Frame.Hello helloOfAp(ActorId actor) {
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
