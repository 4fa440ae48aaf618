package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.place.Configuration;
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
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.core.wire.ShadowVerb;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bytes as all that a dialler ever says, and as all that is ever answered where this node dials,
 * each frame under a good checksum: whoever has not been welcomed, or has not welcomed, is told
 * nothing but why, and whoever has can break nothing.
 */
class HandshakeFuzz {
  private static final int MAX_VALUE_BYTES = 1 << 16;
  private static final int MAX_FRAMES = 40;
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final ActorId ACTOR = new ActorId(8);
  private static final PeerAddress US_ADDRESS = new PeerAddress("us", 1);

  static Stream<byte[]> seeds() {
    MetadataRecord record = record();
    List<Dot> dots = List.of(record.header().version().dot());
    return Stream.of(
        said(hello(US, Configuration.INITIAL)),
        said(hello(AP, Configuration.INITIAL.without(US))),
        said(hello(EU, Configuration.INITIAL)),
        said(new Frame.Heartbeat(1, 2, Frame.Backlog.NONE)),
        said(
            hello(US, Configuration.INITIAL),
            new Frame.Progress(true, VersionVector.of(dots.get(0))),
            new Frame.Changes(ACTOR, 0, 3, List.of(record)),
            new Frame.Heartbeat(1, 2, Frame.Backlog.NONE),
            new Frame.Fetch(1, true, List.of(new Frame.Wanted(record.key(), dots.get(0)))),
            new Frame.Hurry(1, record.key()),
            new Frame.Forget(1, List.of(record.key())),
            new Frame.Push(List.of(record))),
        said(
            hello(US, Configuration.INITIAL),
            hello(US, Configuration.INITIAL),
            new Frame.Compare(
                1, 5, 4, List.of(new Frame.Family(0, Bytes.copyOf(new byte[Frame.Family.BYTES])))),
            new Frame.Dots(2, 4, List.of(new Frame.Below(3, dots))),
            new Frame.Repair(3, 0, true, dots, List.of(record)),
            new Frame.MoveHome(4, record.key(), US),
            new Frame.Hold(5, record)),
        said(
            new Frame.Welcome(FrameCodec.PROTOCOL, "test", US, 7, VersionVector.EMPTY),
            new Frame.Credit(1 << 20, true),
            new Frame.HeartbeatReply(1, 1),
            new Frame.Standing(
                1, 1, new TreeMap<>(Map.of(AP, 1L)), true, VersionVector.of(dots.get(0))),
            new Frame.Reads(List.of(new Frame.Reading(record.key(), 5))),
            new Frame.NotHolding(List.of(record.key())),
            new Frame.Copies(record.key(), new TreeMap<>(Map.of(AP, 1L))),
            new Frame.NoBase(List.of(record.key())),
            new Frame.NoDictionary(List.of(1L)),
            new Frame.FetchReply(1, List.of(new Frame.Answer.Found(record))),
            new Frame.Compared(1, 1, List.of()),
            new Frame.Repair(1, 0, true, dots, List.of(record)),
            new Frame.Done(1, MoveOutcome.values()[0], "done"),
            new Frame.ShadowReply(1, List.of()),
            new Frame.Whole(VersionVector.of(dots.get(0))),
            new Frame.Ack(ACTOR, 1, false)),
        said(new Frame.Credit(1 << 20, true)),
        said(
            hello(US, Configuration.INITIAL),
            new Frame.Deltas(
                new Frame.Changes(ACTOR, 0, 2, List.of(record.withoutPayload())),
                List.of(new Frame.Delta(2, new Dot(ACTOR, 1), 7, Bytes.utf8("delta")))),
            new Frame.Dictionary(0, 1, Bytes.utf8("dictionary")),
            new Frame.Deltas(
                new Frame.Changes(ACTOR, 0, 2, List.of(record.withoutPayload())),
                List.of(),
                List.of(new Frame.Told(2, 1, Bytes.utf8("told")))),
            new Frame.Part(new Frame.Changes(ACTOR, 1, 3, List.of(record))),
            new Frame.Whole(VersionVector.of(new Dot(ACTOR, 3))),
            new Frame.ShadowRequest(
                6, ShadowVerb.values()[0], record.key(), ShadowReason.values()[0], 3, 1000, null),
            new Frame.HoldShadow(7, record, ShadowReason.values()[0], 3, 1000)),
        said(
            hello(US, Configuration.INITIAL.without(AP)),
            new Frame.Configured(
                Configuration.INITIAL.without(AP),
                new TreeMap<>(Map.of(AP, VersionVector.of(dots.get(0)))))));
  }

  private static byte[] said(Frame... frames) {
    var all = new ByteArrayOutputStream();
    for (Frame frame : frames) {
      all.writeBytes(FrameCodec.encode(frame));
    }
    return all.toByteArray();
  }

  private static MetadataRecord record() {
    Bytes payload = Bytes.utf8("payload");
    var version = new Version(new Dot(ACTOR, 2), VersionVector.EMPTY, new Stamp(1 << 16));
    return new MetadataRecord(
        Key.of("n/1"), Header.value(version, US, payload, Header.NEVER), payload);
  }

  private static Frame.Hello hello(RegionName region, Configuration configuration) {
    return new Frame.Hello(
        FrameCodec.MIN_PROTOCOL,
        FrameCodec.PROTOCOL,
        "test",
        region,
        7,
        ACTOR,
        List.of(AP, EU, US),
        MAX_VALUE_BYTES,
        new TreeMap<>(),
        new Frame.Belonging(new TreeMap<>(), configuration, 0));
  }

  /** Remembers what it was told to send. */
  private static final class Line implements PeerConnection {
    final List<Frame> sent = new ArrayList<>();
    int protocol = FrameCodec.MIN_PROTOCOL;
    boolean closed;

    @Override
    public boolean send(Frame frame) {
      // As to others, it must be one that can be sent.
      FrameCodec.encode(frame);
      sent.add(frame);
      return true;
    }

    @Override
    public void established() {}

    @Override
    public void speaks(int agreed) {
      protocol = agreed;
    }

    @Override
    public void close(String reason) {
      closed = true;
    }

    @Override
    public String remote() {
      return "fuzz";
    }
  }

  /** Frames are said to whoever listens, or was dialled by the node, by hand. */
  private static final class NoTransport implements PeerTransport {
    @Nullable Acceptor acceptor;
    final Map<PeerAddress, PeerHandler> diallers = new HashMap<>();

    @Override
    public PeerAddress listen(PeerAddress address, Acceptor by) {
      acceptor = by;
      return address;
    }

    @Override
    public void connect(PeerAddress address, PeerHandler handler) {
      diallers.put(address, handler);
    }

    @Override
    public TransportStats stats() {
      throw new AssertionError("nobody asks");
    }

    @Override
    public void close() {}
  }

  private static final class Nothing implements LocalCopies, HomeMoves {
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
    public void offer(MetadataRecord record) {}

    @Override
    public CompletableFuture<Result> moveFromHere(Key key, RegionName to) {
      return CompletableFuture.completedFuture(Result.DONE);
    }

    @Override
    public CompletableFuture<Result> hold(MetadataRecord record) {
      return CompletableFuture.completedFuture(Result.DONE);
    }
  }

  @MethodSource("seeds")
  @FuzzTest
  void listen(byte[] bytes) {
    var world = new SimWorld(1);
    var node = new SimNode(world, "eu");
    var transport = new NoTransport();
    SerialExecutor committing = node.scheduler().serial("journal");
    RecordStore store =
        RecordStore.open(
            new StoreConfig(
                "test",
                EU,
                new JournalConfig(1 << 16),
                Durabilities.all(Durability.SYNC),
                MAX_VALUE_BYTES,
                1 << 20,
                1 << 20,
                CompactionConfig.DEFAULT),
            node.disk(),
            node.clock(),
            node.random(),
            committing,
            changes -> {});
    var nothing = new Nothing();
    var replicator =
        new Replicator(
            ReplicationConfig.of(
                "test",
                EU,
                new PeerAddress("eu", 1),
                Map.of(AP, new PeerAddress("ap", 1), US, US_ADDRESS),
                MAX_VALUE_BYTES),
            key -> new Homes(US, EU),
            store,
            transport,
            node.scheduler().serial("loop"),
            node.clock(),
            node.random(),
            nothing,
            nothing,
            change -> {},
            node.scheduler().serial("background"),
            null);
    try {
      replicator.start();
      listen(world, transport, ByteBuffer.wrap(bytes));
      dial(world, transport, ByteBuffer.wrap(bytes));
    } finally {
      replicator.close();
      store.close();
    }
  }

  private static void listen(SimWorld world, NoTransport transport, ByteBuffer bytes) {
    var line = new Line();
    PeerTransport.Acceptor acceptor = transport.acceptor;
    assertThat(acceptor).isNotNull();
    PeerHandler session = acceptor.accept(line);
    session.onOpen(line);
    say(world, session, line, bytes);
    boolean welcomed = line.sent.stream().anyMatch(Frame.Welcome.class::isInstance);
    if (!welcomed) {
      assertThat(line.sent)
          .hasSizeLessThanOrEqualTo(2)
          .allMatch(frame -> frame instanceof Frame.Refuse || frame instanceof Frame.Configured);
    }
    session.onClosed(line, "the end");
    world.runFor(Duration.ofMillis(1));
  }

  /** The same is what somebody answers whom the node has dialled. */
  private static void dial(SimWorld world, NoTransport transport, ByteBuffer bytes) {
    var line = new Line();
    world.runFor(Duration.ofMillis(1));
    PeerHandler dialler = transport.diallers.get(US_ADDRESS);
    assertThat(dialler).isNotNull();
    dialler.onOpen(line);
    say(world, dialler, line, bytes);
    boolean spoke = line.sent.stream().anyMatch(Frame.Heartbeat.class::isInstance);
    if (!spoke) {
      // None, if whoever listened has learned that one of the two was evicted.
      assertThat(line.sent).hasSizeLessThanOrEqualTo(1).allMatch(Frame.Hello.class::isInstance);
    }
    dialler.onClosed(line, "the end");
    world.runFor(Duration.ofMillis(1));
  }

  private static void say(SimWorld world, PeerHandler handler, Line line, ByteBuffer bytes) {
    for (int i = 0; i < MAX_FRAMES && !line.closed; i++) {
      Frame frame;
      try {
        ByteBuffer next = next(bytes);
        if (next == null) {
          break;
        }
        frame = FrameCodec.decode(next);
      } catch (WireFormatException e) {
        break;
      }
      if (frame != null && frame.since() <= line.protocol) {
        handler.onFrame(line, frame);
        world.runFor(Duration.ofMillis(1));
      }
    }
  }

  /** What follows the length of the next frame, with its checksum made good. */
  private static @Nullable ByteBuffer next(ByteBuffer bytes) {
    if (bytes.remaining() < FrameCodec.PREFIX_BYTES + FrameCodec.MIN_LENGTH) {
      return null;
    }
    int length = Math.min(bytes.getInt() & 0xffff, bytes.remaining() - Integer.BYTES);
    var frame = new byte[Integer.BYTES + length];
    bytes.get(frame);
    int checksum = Checksums.crc32c(frame, Integer.BYTES, length);
    return ByteBuffer.wrap(frame).putInt(0, checksum);
  }
}
