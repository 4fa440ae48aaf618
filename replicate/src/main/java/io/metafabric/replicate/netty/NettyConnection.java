package io.metafabric.replicate.netty;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport.Acceptor;
import io.metafabric.core.wire.Compression;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One open channel: its frames in both directions, and the bounds on what waits. Thread-safe. */
final class NettyConnection extends ChannelInboundHandlerAdapter implements PeerConnection {
  private static final Logger LOG = LoggerFactory.getLogger(NettyConnection.class);

  /** Written to the socket at once: large enough that the system call is cheap. */
  private static final int WRITE_BYTES = 64 * 1024;

  /** Writes after which other connections have their turn on the event loop. */
  private static final int WRITES_PER_TURN = 16;

  private final Channel channel;
  private final NettyConfig config;
  private final TransportCounters counters;
  private final @Nullable Compression compression;
  private final Acceptor acceptor;
  private final OutboundQueue outbound;
  private final Inbox inbox;
  private final FrameReader reader;
  private final AtomicReference<@Nullable String> closeReason = new AtomicReference<>();

  private volatile boolean established;
  private volatile boolean compresses;
  private volatile boolean closedHere;

  /** Callbacks only. Null until the acceptor has chosen one. */
  private @Nullable PeerHandler handler;

  /** Event loop only. */
  private boolean writing;

  /** Event loop only. */
  private boolean malformed;

  NettyConnection(
      Channel channel,
      NettyConfig config,
      Executor callbacks,
      TransportCounters counters,
      @Nullable Compression compression,
      Acceptor acceptor) {
    this.channel = channel;
    this.config = config;
    this.counters = counters;
    this.compression = compression;
    this.acceptor = acceptor;
    outbound = new OutboundQueue(config.outboundQueueBytes(), config.controlReserveBytes());
    inbox =
        new Inbox(callbacks, config.inboundQueueBytes(), this::resumeReading, this::handlerFailed);
    reader = new FrameReader(this::maxLength, this::decode);
  }

  @Override
  public boolean send(Frame frame) {
    boolean control = frame.isControl();
    if (outbound.isFull(control)) {
      counters.refusedFrames.increment();
      return false;
    }
    byte[] encoded = FrameCodec.encode(frame, compresses ? compression : null);
    if (encoded.length - FrameCodec.PREFIX_BYTES > config.maxFrameBytes()) {
      throw new IllegalArgumentException(
          "a frame of "
              + encoded.length
              + " bytes can never be sent; split it below maxFrameBytes, "
              + config.maxFrameBytes());
    }
    return switch (outbound.offer(encoded, control)) {
      case TAKEN -> true;
      case CALL_WRITER -> {
        onEventLoop(this::write);
        yield true;
      }
      case FULL -> {
        counters.refusedFrames.increment();
        yield false;
      }
      case CLOSED -> false;
    };
  }

  @Override
  public boolean isDrained() {
    return outbound.isDrained();
  }

  /** Bytes that wait to be sent or handled, with what each frame costs beside. Thread-safe. */
  long waitingBytes() {
    return outbound.waitingBytes() + inbox.waitingBytes();
  }

  @Override
  public void established() {
    established = true;
  }

  @Override
  public boolean takesCompressed() {
    return compression != null;
  }

  @Override
  public void otherSideTakesCompressed(boolean takes) {
    compresses = takes;
  }

  @Override
  public void close(String reason) {
    if (!closeReason.compareAndSet(null, reason)) {
      return;
    }
    closedHere = true;
    outbound.refuseMore();
    inbox.dropFrames();
    onEventLoop(
        () -> {
          // What fits in the socket still goes out, so that a last word has a chance to arrive.
          write();
          close(channel);
        });
  }

  @Override
  public String remote() {
    return String.valueOf(channel.remoteAddress());
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    inbox.add(this::open);
  }

  private void open() {
    PeerHandler chosen = acceptor.accept(this);
    handler = chosen;
    chosen.onOpen(this);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    var in = (ByteBuf) message;
    try {
      counters.receivedBytes.add(in.readableBytes());
      if (closeReason.get() == null) {
        reader.read(in);
      }
    } catch (WireFormatException e) {
      dropMalformed(e);
    } finally {
      in.release();
    }
    if (inbox.isFull()) {
      channel.config().setAutoRead(false);
    }
  }

  private int maxLength() {
    return established ? config.maxFrameBytes() : FrameCodec.MAX_HANDSHAKE_BYTES;
  }

  private void decode(ByteBuffer checksumAndBody) {
    int bytes;
    Frame frame;
    try {
      // Until both know each other, nobody makes much of little.
      ByteBuffer plain =
          FrameCodec.plain(checksumAndBody, established ? compression : null, maxLength());
      bytes = FrameCodec.PREFIX_BYTES + plain.remaining();
      frame = FrameCodec.decodePlain(plain);
    } catch (IllegalArgumentException e) {
      throw new WireFormatException("a frame says what cannot be: " + e.getMessage(), e);
    }
    if (frame == null) {
      counters.skippedFrames.increment();
      return;
    }
    inbox.addFrame(bytes, () -> deliver(frame));
  }

  private void deliver(Frame frame) {
    PeerHandler target = handler;
    if (target != null && !closedHere) {
      target.onFrame(this, frame);
    }
  }

  private void dropMalformed(WireFormatException e) {
    malformed = true;
    counters.malformed.increment();
    LOG.debug("{}: dropped, {}", remote(), e.getMessage());
    closeReason.compareAndSet(null, "malformed: " + e.getMessage());
    close(channel);
  }

  private void resumeReading() {
    // Asked again there, because the inbox may have filled once more in between.
    onEventLoop(() -> channel.config().setAutoRead(!inbox.isFull()));
  }

  /** Event loop only. */
  private void write() {
    outbound.writerCame();
    if (writing) {
      return; // called from within a flush; the loop below goes on
    }
    writing = true;
    for (int i = 0; i < WRITES_PER_TURN && channel.isWritable(); i++) {
      OutboundQueue.Batch batch = outbound.poll(WRITE_BYTES);
      if (batch == null) {
        writing = false;
        return;
      }
      write(batch);
    }
    writing = false;
    if (channel.isWritable()) {
      onEventLoop(this::write);
    }
  }

  private void write(OutboundQueue.Batch batch) {
    // The socket needs direct memory in any case; filling it here makes one write of many frames.
    ByteBuf bytes = channel.alloc().ioBuffer(batch.bytes());
    batch.frames().forEach(bytes::writeBytes);
    channel.writeAndFlush(bytes).addListener(done -> written(batch, done.isSuccess()));
  }

  private void written(OutboundQueue.Batch batch, boolean success) {
    if (success) {
      counters.sentBytes.add(batch.bytes());
    }
    if (outbound.release(batch)) {
      inbox.add(this::tellWritable);
    }
  }

  private void tellWritable() {
    PeerHandler target = handler;
    if (target != null && !closedHere) {
      target.onWritable(this);
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (channel.isWritable()) {
      write();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("{}: failed", remote(), cause);
    closeReason.compareAndSet(null, "failed: " + cause);
    close(channel);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (reader.isWithinFrame() && !closedHere && !malformed) {
      counters.cutOff.increment();
    }
    closeReason.compareAndSet(null, "the other side closed the connection");
    outbound.clear();
    inbox.end(this::tellClosed);
  }

  private void tellClosed() {
    PeerHandler target = handler;
    String reason = closeReason.get();
    if (target != null && reason != null) {
      target.onClosed(this, reason);
    }
  }

  private void handlerFailed(RuntimeException e) {
    LOG.warn("{}: closed, because its handler failed", remote(), e);
    close("the handler failed: " + e);
  }

  /** Whoever waits for the end of a channel is told by its {@code channelInactive}. */
  @SuppressWarnings("FutureReturnValueIgnored")
  static void close(Channel channel) {
    channel.close();
  }

  private void onEventLoop(Runnable task) {
    try {
      channel.eventLoop().execute(task);
    } catch (RejectedExecutionException e) {
      LOG.trace("{}: the transport is closed", remote(), e); // and the channel with it
    }
  }
}
