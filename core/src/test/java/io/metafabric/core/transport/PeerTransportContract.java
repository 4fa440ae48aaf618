package io.metafabric.core.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.ListenException;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link PeerTransport} does, over real sockets as in a simulation without faults. */
public abstract class PeerTransportContract {
  protected static final TransportLimits LIMITS =
      new TransportLimits(512 * 1024, 512 * 1024, 4 * 1024, 128 * 1024);

  /** Refusals in a row after which a queue counts as full for good. */
  private static final int STUCK = 40;

  private static final int DATA_BYTES = 16 * 1024;

  protected TransportWorld world;
  protected PausableExecutor serverExecutor;
  protected PeerTransport server;
  protected PeerTransport client;
  private final List<RecordingHandler> recorders = new CopyOnWriteArrayList<>();

  protected abstract TransportWorld newWorld();

  @BeforeEach
  void openWorld() {
    world = newWorld();
    serverExecutor = new PausableExecutor(world.newExecutor("server"));
    server = world.newTransport("server", LIMITS, serverExecutor);
    client = world.newTransport("client", LIMITS, world.newExecutor("client"));
  }

  @AfterEach
  void closeWorld() {
    client.close();
    server.close();
    world.close();
    assertThat(recorders).allSatisfy(recorder -> assertThat(recorder.violations()).isEmpty());
  }

  @Test
  void framesArriveWhole_andOfEachKindInOrder_inBothDirections() {
    var pair = connect();
    List<Frame> there = new ArrayList<>();
    List<Frame> back = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      there.add(i % 3 == 0 ? TestFrames.control(i) : TestFrames.data(i, i));
      back.add(i % 5 == 0 ? TestFrames.data(i, 2 * i) : TestFrames.control(i));
    }

    sendAll(pair.dialled, there);
    sendAll(pair.accepted, back);

    await("all have arrived", () -> pair.accepted.frames().size() >= there.size());
    await("all have come back", () -> pair.dialled.frames().size() >= back.size());
    assertOfEachKindInOrder(pair.accepted.frames(), there);
    assertOfEachKindInOrder(pair.dialled.frames(), back);
  }

  @Test
  void aDeadAddress_isToldAsClosedWithoutConnection() {
    var dialled = recorder();
    client.connect(world.deadAddress(), dialled);

    await("the failure is told", dialled::isClosed);
    assertThat(dialled.wasOpened()).isFalse();
    assertThat(dialled.closings()).singleElement().asString().isNotBlank();
  }

  @Test
  void closingTellsBothSidesOnce_andNothingComesAfterwards() {
    var pair = connect();
    sendAll(pair.dialled, List.of(TestFrames.control(1), TestFrames.data(2, 1000)));
    pair.dialled.connection().close("enough");
    pair.dialled.connection().close("once more");
    pair.accepted.connection().send(TestFrames.control(3));

    await("both sides know", () -> pair.dialled.isClosed() && pair.accepted.isClosed());
    assertThat(pair.dialled.connection().send(TestFrames.control(4))).isFalse();
    assertThat(pair.accepted.connection().send(TestFrames.control(4))).isFalse();
    pair.accepted.connection().close("late");
    exchangeOn(connect()); // whatever was on its way would have come by then
    assertThat(pair.dialled.closings()).containsExactly("enough");
    assertThat(pair.accepted.closings()).hasSize(1);
  }

  @Test
  void theSideThatWasDialledCanCloseToo() {
    var pair = connect();
    pair.accepted.connection().close("go away");

    await("both sides know", () -> pair.dialled.isClosed() && pair.accepted.isClosed());
    assertThat(pair.accepted.closings()).containsExactly("go away");
  }

  @Test
  void aFailingHandlerLosesItsConnection_butNotTheOthers() {
    var other = connect();
    var failing =
        connect(
            (connection, frame) -> {
              throw new IllegalStateException("handler that fails, on purpose");
            });
    sendAll(failing.dialled, List.of(TestFrames.control(1)));

    await("it is closed", () -> failing.dialled.isClosed() && failing.accepted.isClosed());
    exchangeOn(other);
  }

  @Test
  void aReceiverThatDoesNotProcess_fillsTheSendersQueue_andBothSidesStayBounded() {
    var pair = connect();
    PeerConnection sender = pair.dialled.connection();
    serverExecutor.pause();

    List<Frame> sent = fillUp(sender);
    assertThat(client.stats().refusedFrames()).isPositive();
    assertThat(server.stats().receivedBytes())
        .as("read by the receiver, while none of it was processed")
        .isLessThan(LIMITS.inboundQueueBytes() + LIMITS.maxFrameBytes() + 256 * 1024);

    int controlBytes = 0;
    for (int i = 0; i < 10_000; i++) {
      Frame control = TestFrames.control(1_000_000 + i);
      if (!sender.send(control)) {
        break;
      }
      sent.add(control);
      controlBytes += FrameCodec.encode(control).length;
    }
    assertThat(controlBytes)
        .as("control frames taken from their reserve, and a last bit of what was under way")
        .isPositive()
        .isLessThanOrEqualTo(LIMITS.controlReserveBytes() + DATA_BYTES);

    int before = pair.dialled.writableCalls();
    serverExecutor.resume();
    await("there is room again", () -> pair.dialled.writableCalls() > before);
    Frame last = TestFrames.data(999, DATA_BYTES);
    await("a frame is taken again", () -> sender.send(last));
    sent.add(last);
    await("all have arrived", () -> pair.accepted.frames().size() >= sent.size());
    assertOfEachKindInOrder(pair.accepted.frames(), sent);
    int firstControl = pair.accepted.frames().indexOf(of(true, sent).get(0));
    assertThat(firstControl)
        .as("control frames come before data that waited, which was sent before them")
        .isLessThan(of(false, sent).size() - 1);
  }

  private static void assertOfEachKindInOrder(List<Frame> arrived, List<Frame> sent) {
    assertThat(of(true, arrived)).isEqualTo(of(true, sent));
    assertThat(of(false, arrived)).isEqualTo(of(false, sent));
  }

  private static List<Frame> of(boolean control, List<Frame> frames) {
    return frames.stream().filter(frame -> frame.isControl() == control).toList();
  }

  @Test
  void whileOneReceiverDoesNotProcess_theOtherDirectionGoesOn() {
    var pair = connect();
    serverExecutor.pause();
    fillUp(pair.dialled.connection());

    sendAll(pair.accepted, List.of(TestFrames.control(1), TestFrames.data(2, DATA_BYTES)));
    await("they have arrived", () -> pair.dialled.frames().size() == 2);
    serverExecutor.resume();
  }

  @Test
  void aSenderThatFoundDataWaiting_isToldOnceAllHasLeft() {
    var pair = connect();
    PeerConnection sender = pair.dialled.connection();
    assertThat(sender.isDrained()).isTrue();
    serverExecutor.pause();
    fillUp(sender);
    int before = pair.dialled.writableCalls();
    assertThat(sender.isDrained()).isFalse();

    serverExecutor.resume();
    await("half of it, and all of it", () -> pair.dialled.writableCalls() == before + 2);
    assertThat(sender.isDrained()).isTrue();
  }

  @Test
  void closingALocallyFullConnectionTellsItsHandler() {
    var pair = connect();
    serverExecutor.pause();
    fillUp(pair.dialled.connection());

    pair.dialled.connection().close("too slow");
    await("the sender knows", pair.dialled::isClosed);
    serverExecutor.resume();
    await("the receiver knows", pair.accepted::isClosed);
  }

  @Test
  void aFrameBeyondTheHandshakeLimit_isRefusedBeforeTheConnectionIsEstablished() {
    var pair = connect();
    pair.dialled.connection().send(TestFrames.control(1));
    pair.dialled.connection().send(TestFrames.data(1, FrameCodec.MAX_HANDSHAKE_BYTES));

    await("both sides know", () -> pair.dialled.isClosed() && pair.accepted.isClosed());
    assertThat(server.stats().malformed()).isEqualTo(1);
    assertThat(pair.accepted.frames()).containsExactly(TestFrames.control(1));
  }

  @Test
  void aFrameBeyondTheHandshakeLimit_isAcceptedOnceTheConnectionIsEstablished() {
    var pair = connect();
    pair.accepted.connection().established();
    Frame large = TestFrames.data(1, LIMITS.maxFrameBytes() - 1024);
    sendAll(pair.dialled, List.of(large));

    await("it has arrived", () -> !pair.accepted.frames().isEmpty());
    assertThat(pair.accepted.frames()).containsExactly(large);
    assertThat(server.stats().malformed()).isZero();
  }

  @Test
  void aFrameThatCanNeverBeSentIsTheCallersError() {
    var pair = connect();
    assertThatThrownBy(
            () -> pair.dialled.connection().send(TestFrames.data(1, LIMITS.maxFrameBytes())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxFrameBytes");
    // The other side bounds what it is to become, however short it is on the way.
    pair.dialled.connection().otherSideTakesCompressed(true);
    assertThatThrownBy(
            () -> pair.dialled.connection().send(TestFrames.data(1, LIMITS.maxFrameBytes())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxFrameBytes");
    pair.dialled.connection().otherSideTakesCompressed(false);
    exchangeOn(pair);
  }

  @Test
  void aSecondListenerOnOneAddress_failsAndNamesAddressAndRemedy() {
    PeerAddress bound = server.listen(world.anyAddress("server"), connection -> recorder());

    assertThatThrownBy(() -> server.listen(bound, connection -> recorder()))
        .isInstanceOf(ListenException.class)
        .hasMessageContaining(bound.toString())
        .hasMessageContaining("use a free port");
  }

  @Test
  void anAddressCanBeListenedOnAgainOnceItsTransportIsClosed() {
    PeerAddress bound = server.listen(world.anyAddress("server"), connection -> recorder());
    var dialled = recorder();
    client.connect(bound, dialled);
    await("it is open", dialled::isOpen);
    server.close();

    var next = world.newTransport("server", LIMITS, serverExecutor);
    assertThat(next.listen(bound, connection -> recorder())).isEqualTo(bound);
    next.close();
  }

  @Test
  void closingTheTransportClosesEverything_andCanBeRepeated() {
    PeerAddress bound = server.listen(world.anyAddress("server"), connection -> recorder());
    var first = connect();
    var second = connect();

    server.close();
    server.close();

    await(
        "all sides know",
        () ->
            Stream.of(first.dialled, first.accepted, second.dialled, second.accepted)
                .allMatch(RecordingHandler::isClosed));
    assertThat(first.accepted.connection().send(TestFrames.control(1))).isFalse();
    assertThatThrownBy(() -> server.listen(bound, connection -> recorder()))
        .isInstanceOf(FabricClosedException.class);
    var late = recorder();
    server.connect(bound, late);
    var dead = recorder();
    client.connect(bound, dead);
    await("both attempts fail", () -> late.isClosed() && dead.isClosed());
    assertThat(late.wasOpened() || dead.wasOpened()).isFalse();
  }

  @Test
  void aTransportCanBeClosedByItsOwnHandler() {
    var pair = connect((connection, frame) -> server.close());
    sendAll(pair.dialled, List.of(TestFrames.control(1)));

    await("both sides know", () -> pair.dialled.isClosed() && pair.accepted.isClosed());
  }

  @Test
  void statisticsCountTheBytesOfFrames() {
    var pair = connect();
    List<Frame> frames = IntStream.range(0, 50).mapToObj(i -> TestFrames.data(i, 100 * i)).toList();
    long bytes = frames.stream().mapToLong(frame -> FrameCodec.encode(frame).length).sum();
    sendAll(pair.dialled, frames);

    await("all have arrived", () -> pair.accepted.frames().size() == frames.size());
    await("all are counted", () -> client.stats().sentBytes() == bytes);
    assertThat(server.stats().receivedBytes()).isEqualTo(bytes);
    assertThat(server.stats().sentBytes()).isZero();
    assertThat(client.stats().receivedBytes()).isZero();
  }

  @Test
  void oneTransportServesManyConnections() {
    List<Pair> pairs = IntStream.range(0, 60).mapToObj(i -> connect()).toList();
    for (int i = 0; i < pairs.size(); i++) {
      sendAll(pairs.get(i).dialled, List.of(TestFrames.data(i, 1000), TestFrames.control(i)));
    }
    for (int i = 0; i < pairs.size(); i++) {
      RecordingHandler accepted = pairs.get(i).accepted;
      await("both frames have arrived", () -> accepted.frames().size() == 2);
      assertThat(accepted.frames())
          .containsExactlyInAnyOrder(TestFrames.data(i, 1000), TestFrames.control(i));
    }
  }

  /** The two ends of one connection, both open. */
  protected record Pair(RecordingHandler dialled, RecordingHandler accepted) {}

  protected final Pair connect() {
    return connect((connection, frame) -> {});
  }

  protected final Pair connect(BiConsumer<PeerConnection, Frame> whenAcceptedGetsFrame) {
    var accepted = recorder(whenAcceptedGetsFrame);
    var dialled = recorder();
    PeerAddress address = server.listen(world.anyAddress("server"), connection -> accepted);
    client.connect(address, dialled);
    await("both ends are open", () -> dialled.wasOpened() && accepted.wasOpened());
    return new Pair(dialled, accepted);
  }

  protected final RecordingHandler recorder() {
    return recorder((connection, frame) -> {});
  }

  private RecordingHandler recorder(BiConsumer<PeerConnection, Frame> whenFrame) {
    var recorder = new RecordingHandler(connection -> {}, whenFrame);
    recorders.add(recorder);
    return recorder;
  }

  protected final void await(String what, BooleanSupplier condition) {
    world.runUntil(what, condition);
  }

  /** Sends with patience, as a sender does that heeds refusals. */
  protected final void sendAll(RecordingHandler from, List<Frame> frames) {
    for (Frame frame : frames) {
      await("there is room", () -> from.connection().send(frame));
    }
  }

  /** Sends data until nothing is taken any more, and returns what was taken. */
  private List<Frame> fillUp(PeerConnection sender) {
    var sent = new ArrayList<Frame>();
    var refusedInARow = new int[1];
    await(
        "the queue is full and stays so",
        () -> {
          Frame next = TestFrames.data(sent.size(), DATA_BYTES);
          if (sender.send(next)) {
            sent.add(next);
            refusedInARow[0] = 0;
          } else {
            refusedInARow[0]++;
          }
          return refusedInARow[0] == STUCK;
        });
    return sent;
  }

  private void exchangeOn(Pair pair) {
    int there = pair.accepted.frames().size();
    int back = pair.dialled.frames().size();
    sendAll(pair.dialled, List.of(TestFrames.control(77)));
    sendAll(pair.accepted, List.of(TestFrames.control(78)));
    await(
        "both have arrived",
        () -> pair.accepted.frames().size() > there && pair.dialled.frames().size() > back);
  }
}
