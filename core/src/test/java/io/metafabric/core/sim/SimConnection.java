package io.metafabric.core.sim;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport.Acceptor;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One end of a virtual connection.
 *
 * <p>Frames travel as bytes, within a window as TCP has one: what the other end does not read is
 * not acknowledged, and what is not acknowledged keeps the queue here from draining.
 */
final class SimConnection implements PeerConnection {
  private record Queued(byte[] bytes, boolean control) {}

  private record Arrived(byte[] bytes, boolean copy) {}

  private final SimTransport transport;
  private final SimNetwork network;
  private final String remoteNode;
  private final Acceptor acceptor;
  private final TransportLimits limits;
  private final SimBudget data;
  private final SimBudget control;
  private final ArrayDeque<Queued> dataQueue = new ArrayDeque<>();
  private final ArrayDeque<Queued> controlQueue = new ArrayDeque<>();
  private final ArrayDeque<Arrived> arrived = new ArrayDeque<>();
  private int inFlightBytes;
  private int inboxBytes;
  private boolean paused;
  private boolean drainAwaited;
  private boolean endArrived;
  private boolean opened;
  private boolean established;
  private int protocol = FrameCodec.MIN_PROTOCOL;
  private boolean dropFrames;
  private boolean ended;
  private boolean crashed;
  private @Nullable SimConnection peer;
  private @Nullable PeerHandler handler;

  SimConnection(SimTransport transport, String remoteNode, Acceptor acceptor) {
    this.transport = transport;
    this.remoteNode = remoteNode;
    this.acceptor = acceptor;
    network = transport.network();
    limits = transport.limits();
    data = new SimBudget(limits.outboundQueueBytes());
    control = new SimBudget(limits.controlReserveBytes());
  }

  void pairWith(SimConnection other) {
    peer = other;
  }

  private SimConnection peer() {
    return Objects.requireNonNull(peer, "pairWith comes first");
  }

  String remoteNode() {
    return remoteNode;
  }

  boolean isEnded() {
    return ended;
  }

  void open() {
    opened = true;
    call(
        () -> {
          handler = acceptor.accept(this);
          handler.onOpen(this);
        });
    read(); // with jitter, frames may have come before the news that the connection is open
  }

  @Override
  public boolean send(Frame frame) {
    if (ended) {
      return false;
    }
    byte[] encoded = FrameCodec.encode(frame);
    if (encoded.length - FrameCodec.PREFIX_BYTES > limits.maxFrameBytes()) {
      throw new IllegalArgumentException(
          "a frame of "
              + encoded.length
              + " bytes can never be sent; split it below maxFrameBytes");
    }
    if (!budget(frame.isControl()).take(encoded.length)) {
      transport.refusedFrames++;
      return false;
    }
    var queued = new Queued(encoded, frame.isControl());
    Duration slowness = network.slowness(frame);
    if (slowness.isZero()) {
      queue(queued);
    } else {
      network.after(slowness, () -> queue(queued));
    }
    return true;
  }

  private void queue(Queued queued) {
    if (!ended) {
      (queued.control ? controlQueue : dataQueue).add(queued);
      transmit();
    }
  }

  @Override
  public boolean isDrained() {
    boolean drained = data.usedBytes() == 0;
    drainAwaited |= !drained;
    return drained;
  }

  /** Of frames that wait here, on either way. */
  long waitingBytes() {
    return (long) data.usedBytes() + control.usedBytes() + inboxBytes;
  }

  /** One frame each may cross its bound. */
  long maxWaitingBytes() {
    return (long) limits.outboundQueueBytes()
        + limits.controlReserveBytes()
        + limits.inboundQueueBytes()
        + 3L * limits.maxFrameBytes();
  }

  private SimBudget budget(boolean isControl) {
    return isControl ? control : data;
  }

  private void transmit() {
    for (var from = nextQueue(); !from.isEmpty(); from = nextQueue()) {
      Queued next = from.element();
      byte[] bytes = next.bytes;
      if (inFlightBytes > 0 && inFlightBytes + bytes.length > network.windowBytes()) {
        return;
      }
      from.remove();
      inFlightBytes += bytes.length;
      transport.sentBytes += bytes.length;
      network.sendFrame(
          transport.node(),
          remoteNode,
          bytes.length,
          () -> peer().arrive(new Arrived(bytes, false)),
          () -> peer().acknowledge(bytes.length),
          () -> peer().arrive(new Arrived(bytes, true)));
      boolean room = budget(next.control).release(bytes.length);
      boolean drained = drainAwaited && data.usedBytes() == 0;
      drainAwaited &= !drained;
      if (room || drained) {
        call(() -> tell(target -> target.onWritable(this)));
      }
    }
  }

  /** Control frames never wait for data. */
  private ArrayDeque<Queued> nextQueue() {
    return controlQueue.isEmpty() ? dataQueue : controlQueue;
  }

  private void arrive(Arrived next) {
    if (!ended && !endArrived) {
      arrived.add(next);
      read();
    }
  }

  private void read() {
    while (opened && !ended && !paused) {
      Arrived next = arrived.poll();
      if (next == null) {
        break;
      }
      transport.receivedBytes += next.bytes.length;
      if (!next.copy) {
        acknowledge(next.bytes.length);
      }
      read(next.bytes);
    }
    if (opened && endArrived && arrived.isEmpty()) {
      end("the other side closed the connection");
    }
  }

  private void acknowledge(int bytes) {
    network.sendSignal(transport.node(), remoteNode, () -> peer().acknowledged(bytes));
  }

  private void acknowledged(int bytes) {
    inFlightBytes -= bytes;
    if (!ended) {
      transmit();
    }
  }

  private void read(byte[] bytes) {
    var in = ByteBuffer.wrap(bytes);
    Frame frame;
    try {
      checkLength(in.getInt());
      frame = FrameCodec.decode(in);
    } catch (WireFormatException e) {
      transport.malformed++;
      sendEnd();
      end("malformed: " + e.getMessage());
      return;
    }
    if (frame == null) {
      transport.skippedFrames++;
      return;
    }
    network.arrived(remoteNode, transport.node(), bytes, frame);
    inboxBytes += bytes.length;
    paused = inboxBytes > limits.inboundQueueBytes();
    call(
        () -> {
          try {
            if (frame.since() > protocol) {
              transport.skippedFrames++;
            } else if (!dropFrames) {
              tell(target -> target.onFrame(this, frame));
            }
          } finally {
            taken(bytes.length);
          }
        });
  }

  private void checkLength(int length) {
    int max = established ? limits.maxFrameBytes() : FrameCodec.MAX_HANDSHAKE_BYTES;
    if (length > max) {
      throw new WireFormatException(
          "a frame of " + length + " bytes; " + max + " are allowed here");
    }
  }

  private void taken(int bytes) {
    inboxBytes -= bytes;
    if (paused && inboxBytes <= limits.inboundQueueBytes() / 2) {
      paused = false;
      read();
    }
  }

  @Override
  public void established() {
    established = true;
  }

  /** Nothing is, but then payloads may be told as deltas. */
  @Override
  public boolean takesCompressed() {
    return true;
  }

  @Override
  public void speaks(int agreed) {
    protocol = agreed;
  }

  @Override
  public void close(String reason) {
    if (!ended) {
      dropFrames = true;
      sendEnd();
      end(reason);
    }
  }

  /** Tells the other end that nothing more comes, behind all that is under way. */
  void sendEnd() {
    network.sendSignal(transport.node(), remoteNode, () -> peer().endArrives());
  }

  private void endArrives() {
    endArrived = true;
    read();
  }

  /** Both ends at once. */
  void breakBoth() {
    end("the connection broke");
    peer().end("the connection broke");
  }

  void crash() {
    sendEnd();
    ended = true;
    crashed = true;
    release();
  }

  private void end(String reason) {
    if (!ended) {
      ended = true;
      release();
      call(() -> tell(target -> target.onClosed(this, reason)));
    }
  }

  private void release() {
    dataQueue.clear();
    controlQueue.clear();
    arrived.clear();
    transport.ended(this);
  }

  /** Runs {@code call} as the handler's; one that fails loses its connection. */
  private void call(Runnable call) {
    transport
        .callbacks()
        .execute(
            () -> {
              if (crashed) {
                return;
              }
              try {
                call.run();
              } catch (RuntimeException e) {
                close("the handler failed: " + e);
                throw e; // for the world to report
              }
            });
  }

  private interface Told {
    void by(PeerHandler target);
  }

  private void tell(Told told) {
    PeerHandler target = handler;
    if (target != null) {
      told.by(target);
    }
  }

  @Override
  public String remote() {
    return remoteNode;
  }
}
