package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.transport.PausableExecutor;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.RecordingHandler;
import io.metafabric.core.transport.TestFrames;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.zstd.ZstdCompression;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whoever reaches the port can send anything; it costs them their connection, and others nothing.
 */
class HostileBytesTest {
  private static final TransportLimits LIMITS =
      new TransportLimits(256 * 1024, 64 * 1024, 4 * 1024, 64 * 1024);

  private final SocketWorld world = new SocketWorld();
  private final PausableExecutor serverExecutor = new PausableExecutor(world.newExecutor("server"));
  private final List<RecordingHandler> accepted = new CopyOnWriteArrayList<>();
  private final List<Socket> sockets = new ArrayList<>();
  private PeerTransport server;
  private PeerTransport client;
  private PeerAddress address;
  private int questions;

  @BeforeEach
  void listen() {
    server = world.newTransport("server", LIMITS, serverExecutor);
    client = world.newTransport("client", LIMITS, world.newExecutor("client"));
    address = server.listen(world.anyAddress("server"), connection -> accept());
  }

  private RecordingHandler accept() {
    var handler = new RecordingHandler();
    accepted.add(handler);
    return handler;
  }

  @AfterEach
  void close() throws IOException {
    assertThat(accepted).allSatisfy(handler -> assertThat(handler.violations()).isEmpty());
    client.close();
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
    world.close();
  }

  @AfterAll
  static void noBufferLeaked() {
    RecordingLeakDetector.assertNoLeaks();
  }

  @Test
  void randomGarbageIsDroppedAndCounted() throws IOException {
    for (int seed = 0; seed < 30; seed++) {
      var garbage = new byte[FrameCodec.MAX_HANDSHAKE_BYTES + 100];
      new Random(seed).nextBytes(garbage);
      Socket socket = open();
      write(socket, garbage);
      awaitDropped("garbage of seed " + seed, socket);
    }
    assertThat(server.stats().malformed()).isEqualTo(30);
    assertOthersAreServed();
  }

  @Test
  void randomBodiesWithRightChecksumsDoNoMoreThanLoseTheirConnection() throws IOException {
    for (int seed = 0; seed < 600; seed++) {
      var random = new Random(seed);
      var body = new byte[FrameCodec.MIN_LENGTH + random.nextInt(60)];
      random.nextBytes(body);
      body[0] = (byte) (1 + seed % 11);
      body[1] = 0;
      for (int i = 2; i < body.length; i++) {
        body[i] = random.nextInt(3) > 0 ? (byte) random.nextInt(4) : body[i]; // small numbers pass
      }
      Socket socket = open();
      write(socket, framed(body));
      socket.shutdownOutput();
      awaitDropped("a body of seed " + seed, socket);
      socket.close();
    }
    world.runUntil(
        "all have been closed",
        () -> accepted.size() == 600 && accepted.stream().allMatch(RecordingHandler::isClosed));
    assertThat(accepted)
        .flatExtracting(RecordingHandler::closings)
        .allSatisfy(
            reason -> assertThat(reason).containsAnyOf("malformed: ", "the other side closed"));
    assertThat(server.stats().malformed()).isBetween(300L, 600L);
    assertOthersAreServed();
  }

  @Test
  void aConnectionThatEndsWithinAFrame_isCounted_andOneThatEndsBetweenFramesIsNot()
      throws IOException {
    byte[] frame = FrameCodec.encode(TestFrames.data(2, 1000));
    for (int sent : new int[] {1, 6, frame.length - 1, frame.length, 0}) {
      Socket socket = open();
      write(socket, Arrays.copyOf(frame, sent));
      socket.close();
    }
    world.runUntil(
        "all have been closed",
        () -> accepted.size() == 5 && accepted.stream().allMatch(RecordingHandler::isClosed));
    assertThat(server.stats().cutOff()).isEqualTo(3);
    assertThat(server.stats().malformed()).isZero();
  }

  @Test
  void aDamagedFrameIsDropped_andWhatCameBeforeItIsDelivered() throws IOException {
    byte[] damaged = FrameCodec.encode(TestFrames.data(2, 1000));
    damaged[500] ^= 1;
    Socket socket = open();
    write(socket, FrameCodec.encode(TestFrames.control(1)));
    write(socket, damaged);
    write(socket, FrameCodec.encode(TestFrames.control(3)));

    awaitDropped("the damaged frame", socket);
    world.runUntil("the handler knows", () -> !accepted.isEmpty() && accepted.get(0).isClosed());
    assertThat(accepted.get(0).frames()).containsExactly(TestFrames.control(1));
    assertThat(accepted.get(0).closings().get(0)).contains("malformed").contains("checksum");
    assertThat(server.stats().malformed()).isEqualTo(1);
  }

  @Test
  void aFrameCutOffByTheEndIsNotDelivered() throws IOException {
    byte[] frame = FrameCodec.encode(TestFrames.data(1, 1000));
    Socket socket = open();
    socket.getOutputStream().write(frame, 0, frame.length - 1);
    socket.close();

    world.runUntil("it is noticed", () -> accepted.size() == 1 && accepted.get(0).isClosed());
    assertThat(accepted.get(0).frames()).isEmpty();
    assertThat(server.stats().malformed()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        Integer.MAX_VALUE,
        -1,
        Integer.MIN_VALUE,
        0,
        FrameCodec.MIN_LENGTH - 1,
        FrameCodec.MAX_HANDSHAKE_BYTES + 1
      })
  void aLengthThatIsNotOneIsDroppedBeforeAnythingElseCame(int length) throws IOException {
    Socket socket = open();
    write(socket, ByteBuffer.allocate(4).putInt(length).array());

    awaitDropped("length " + length, socket);
    assertThat(server.stats().malformed()).isEqualTo(1);
    assertOthersAreServed();
  }

  @Test
  void aFrameByteByByteArrivesWhole_andHoldsNobodyUp() throws IOException {
    Frame frame = TestFrames.data(1, 300);
    Socket socket = open();
    byte[] bytes = FrameCodec.encode(frame);
    for (int i = 0; i < bytes.length; i++) {
      write(socket, new byte[] {bytes[i]});
      if (i % 100 == 50) {
        assertOthersAreServed();
      }
    }
    world.runUntil("it has arrived", () -> acceptedOf(frame).isPresent());
  }

  @Test
  void framesOfUnknownTypesAreSkippedAndCounted() throws IOException {
    Socket socket = open();
    write(socket, framed(new byte[] {(byte) 200, 0, 1, 2, 3}));
    write(socket, FrameCodec.encode(TestFrames.control(1)));

    world.runUntil(
        "the known one has arrived",
        () -> !accepted.isEmpty() && !accepted.get(0).frames().isEmpty());
    assertThat(accepted.get(0).frames()).containsExactly(TestFrames.control(1));
    assertThat(server.stats().skippedFrames()).isEqualTo(1);
    assertThat(server.stats().malformed()).isZero();
  }

  @Test
  void aFrameThatTheVersionSpokenDoesNotHave_isSkippedAndCounted() throws IOException {
    var later = new Frame.CutOff(Refusal.VIOLATION, "in version 2");
    Socket socket = open();
    write(socket, FrameCodec.encode(later));
    write(socket, FrameCodec.encode(TestFrames.control(1)));
    world.runUntil(
        "the next has arrived", () -> !accepted.isEmpty() && !accepted.get(0).frames().isEmpty());
    assertThat(server.stats().skippedFrames()).isEqualTo(1);
    accepted.get(0).connection().speaks(2);
    write(socket, FrameCodec.encode(later));
    world.runUntil("it has it now", () -> accepted.get(0).frames().contains(later));
    assertThat(server.stats().malformed()).isZero();
  }

  @Test
  void twoHundredHalfOpenConnectionsDoNotKeepAnotherFromBeingServed() throws IOException {
    for (int i = 0; i < 200; i++) {
      Socket socket = open();
      if (i % 2 == 0) {
        // Announces the largest frame that is allowed here, and leaves it at that.
        write(socket, ByteBuffer.allocate(4).putInt(FrameCodec.MAX_HANDSHAKE_BYTES).array());
      }
    }
    world.runUntil("all are open", () -> accepted.size() == 200);
    assertOthersAreServed();
    assertThat(accepted.subList(0, 200)).allMatch(RecordingHandler::isOpen);
  }

  @Test
  void thousandsOfHalfOpenConnections_displaceEachOther_andNeitherMemoryNorPeersSuffer()
      throws IOException {
    var known = new RecordingHandler();
    client.connect(address, known);
    world.runUntil("a peer is known", () -> accepted.size() == 1 && accepted.get(0).isOpen());
    accepted.get(0).connection().established();
    long before = usedBytes();
    int thousands = 2_000;
    for (int i = 0; i < thousands; i++) {
      Socket socket = open();
      write(socket, ByteBuffer.allocate(4).putInt(FrameCodec.MAX_HANDSHAKE_BYTES).array());
      if (i % 500 == 499) {
        assertOthersAreServed();
      }
    }
    world.runUntil(
        "all but so many were displaced",
        () -> server.stats().displaced() >= thousands - SocketWorld.MAX_STRANGERS);
    assertThat(server.stats().maxWaitingBytes())
        .as("for as many as there may be")
        .isLessThanOrEqualTo(
            (SocketWorld.MAX_STRANGERS + 2L)
                * (LIMITS.outboundQueueBytes()
                    + LIMITS.controlReserveBytes()
                    + LIMITS.inboundQueueBytes()));
    assertThat(known.isOpen()).as("who is known stays").isTrue();
    assertThat(server.stats().refusedConnections()).isZero();
    // A frame that is only announced must not have its memory yet: all of them would be 500 MB.
    accepted.clear();
    assertThat(usedBytes() - before).isLessThan(16 << 20);
  }

  private static long usedBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    long direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .mapToLong(BufferPoolMXBean::getMemoryUsed)
            .sum();
    return runtime.totalMemory() - runtime.freeMemory() + direct;
  }

  @Test
  void connectionsThatComeTooOften_areClosedAtOnceAndCounted() throws IOException {
    var config =
        new NettyConfig(
            "rare",
            256 * 1024,
            64 * 1024,
            4 * 1024,
            64 * 1024,
            256,
            256,
            2,
            1 << 30,
            Duration.ofSeconds(10));
    try (var rare = new NettyPeerTransport(config, null, serverExecutor)) {
      address = rare.listen(world.anyAddress("server"), connection -> accept());
      for (int i = 0; i < 100; i++) {
        open();
      }
      world.runUntil(
          "most were turned away",
          () -> rare.stats().refusedConnections() + accepted.size() == 100);
      assertThat(accepted.size()).as("eight, and two for each second").isBetween(8, 60);
    }
  }

  @Test
  void whoSendsFasterThanItsRate_isReadLater_andOthersAreNot() throws IOException {
    var config =
        new NettyConfig(
            "slow",
            256 * 1024,
            64 * 1024,
            4 * 1024,
            64 * 1024,
            256,
            256,
            100,
            400_000,
            Duration.ofSeconds(10));
    try (var slow = new NettyPeerTransport(config, null, serverExecutor)) {
      address = slow.listen(world.anyAddress("server"), connection -> accept());
      Socket flood = open();
      int frames = 2_000; // each costs 256 bytes and its own, so that it takes more than a second
      byte[] tiny = FrameCodec.encode(TestFrames.control(1));
      for (int i = 0; i < frames; i++) {
        write(flood, tiny);
      }
      assertOthersAreServed();
      world.runUntil(
          "all arrives in the end",
          () -> accepted.stream().anyMatch(each -> each.frames().size() == frames));
      assertThat(slow.stats().throttled()).isPositive();
      assertThat(slow.stats().malformed()).isZero();
    }
  }

  @Test
  void aCompressedFrameThatClaimsToBecomeVeryLong_isDroppedBeforeItIsDecompressed()
      throws IOException {
    byte[] zeros = new byte[200 << 20];
    byte[] bomb = Objects.requireNonNull(ZstdCompression.load()).compress(zeros, 0, zeros.length);
    for (int claimed : new int[] {Integer.MAX_VALUE, 200 << 20, LIMITS.maxFrameBytes()}) {
      var body = new ByteWriter(bomb.length + 16);
      body.u8(6).u8(1).varint(claimed).bytes(bomb);
      int before = accepted.size();
      Socket socket = open();
      world.runUntil("open", () -> accepted.size() == before + 1 && accepted.get(before).isOpen());
      accepted.get(before).connection().established();
      write(socket, framed(body.toArray()));
      awaitDropped("a bomb that claims " + claimed, socket);
    }
    assertThat(server.stats().malformed()).isEqualTo(3);
    assertOthersAreServed();
  }

  @Test
  void connectionsBeyondTheLimitAreClosedAtOnceAndCounted_untilOthersEnd() throws IOException {
    var config =
        new NettyConfig(
            "few",
            256 * 1024,
            64 * 1024,
            4 * 1024,
            64 * 1024,
            2,
            2,
            100,
            1 << 30,
            Duration.ofSeconds(10));
    try (var few = new NettyPeerTransport(config, null, serverExecutor)) {
      address = few.listen(world.anyAddress("server"), connection -> accept());
      Socket first = open();
      open();
      world.runUntil(
          "two are open", () -> accepted.stream().filter(RecordingHandler::isOpen).count() == 2);
      accepted.forEach(each -> each.connection().established());
      world.runUntil("both are known", () -> few.stats().strangers() == 0);
      awaitDropped("the third", open());
      assertThat(few.stats().refusedConnections()).isEqualTo(1);

      first.close();
      world.runUntil("its end is known", () -> accepted.get(0).isClosed());
      open();
      world.runUntil("another is taken", () -> accepted.size() == 3);
      assertThat(few.stats().refusedConnections()).isEqualTo(1);
    }
    assertThat(accepted).hasSize(3);
  }

  @Test
  void aFloodOfTinyFramesToAReceiverThatDoesNotProcessStaysBounded() throws IOException {
    Socket warm = open();
    write(warm, FrameCodec.encode(TestFrames.control(1)));
    world.runUntil("it has arrived", () -> server.stats().receivedBytes() > 0);
    serverExecutor.pause();
    byte[] tiny = FrameCodec.encode(TestFrames.control(1));
    var flood = ByteBuffer.allocate(1024 * tiny.length);
    while (flood.hasRemaining()) {
      flood.put(tiny);
    }

    try (var channel = SocketChannel.open(new InetSocketAddress(address.host(), address.port()))) {
      channel.configureBlocking(false);
      var stuckPolls = new int[1];
      world.runUntil(
          "the socket takes no more",
          () -> {
            try {
              flood.rewind();
              // A flood cut short and begun anew would be garbage, but nobody reads that far.
              stuckPolls[0] = channel.write(flood) == 0 ? stuckPolls[0] + 1 : 0;
            } catch (IOException e) {
              throw new AssertionError(e);
            }
            return stuckPolls[0] == 100;
          });
      assertThat(server.stats().receivedBytes())
          .as("a tiny frame is charged more than its bytes")
          .isLessThan(LIMITS.inboundQueueBytes() + 64 * 1024);
    }
    serverExecutor.resume();
  }

  private Socket open() throws IOException {
    var socket = new Socket(address.host(), address.port());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(30_000);
    sockets.add(socket);
    return socket;
  }

  /** What the other side does not want to read any more does not matter here. */
  private static void write(Socket socket, byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
    } catch (IOException e) {
      assertThat(e).as("a dropped connection").hasMessageMatching(".*(reset|pipe|abort).*");
    }
  }

  private static void awaitDropped(String what, Socket socket) {
    int read;
    try {
      read = socket.getInputStream().read();
    } catch (SocketTimeoutException e) {
      throw new AssertionError(what + " was not dropped", e);
    } catch (IOException reset) {
      read = -1;
    }
    assertThat(read).as("%s: end of the connection", what).isEqualTo(-1);
  }

  private static byte[] framed(byte[] body) {
    return ByteBuffer.allocate(FrameCodec.PREFIX_BYTES + body.length)
        .putInt(body.length)
        .putInt(Checksums.crc32c(body, 0, body.length))
        .put(body)
        .array();
  }

  private void assertOthersAreServed() {
    var dialled = new RecordingHandler();
    client.connect(address, dialled);
    world.runUntil("another can connect", dialled::isOpen);
    Frame question = TestFrames.data(1_000 + questions++, 5000);
    dialled.connection().send(question);
    world.runUntil("it is served", () -> acceptedOf(question).isPresent());
    acceptedOf(question).orElseThrow().connection().send(TestFrames.control(6));
    world.runUntil("it is answered", () -> dialled.frames().size() == 1);
    dialled.connection().close("done");
  }

  private Optional<RecordingHandler> acceptedOf(Frame frame) {
    return accepted.stream().filter(handler -> handler.frames().contains(frame)).findAny();
  }
}
