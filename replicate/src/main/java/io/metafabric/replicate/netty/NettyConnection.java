package io.metafabric.replicate.netty;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerIdentity;
import io.metafabric.core.transport.PeerTransport.Acceptor;
import io.metafabric.core.wire.Compression;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One open channel: its frames in both directions, and the bounds on what waits. Thread-safe. */
final class NettyConnection extends ChannelInboundHandlerAdapter implements PeerConnection {
  private static final int FIRST_BUFFER_BYTES = 256;
  private static final int KEPT_BUFFER_BYTES = 128 << 10;

  private static final Logger LOG = LoggerFactory.getLogger(NettyConnection.class);

  /** Written to the socket at once: large enough that the system call is cheap. */
  private static final int WRITE_BYTES = 64 * 1024;

  /** Writes after which other connections have their turn on the event loop. */
  private static final int WRITES_PER_TURN = 16;

  private final Channel channel;
  private final NettyConfig config;
  private final TransportCounters counters;
  private final @Nullable Compression compression;
  private final AtomicReference<@Nullable ByteWriter> spare = new AtomicReference<>();
  private final Acceptor acceptor;
  private final @Nullable PeerHandler dialler;
  private final @Nullable TlsEnd tls;
  private final Runnable onEstablished;
  private final OutboundQueue outbound;
  private final Inbox inbox;
  private final FrameReader reader;
  private final Pace pace;
  private final AtomicReference<@Nullable String> closeReason = new AtomicReference<>();

  private volatile boolean established;
  private volatile boolean compresses;
  private volatile boolean closedHere;

  /** Asked when a frame is delivered: what came right behind a welcome is read before that is. */
  private volatile int protocol = FrameCodec.MIN_PROTOCOL;

  /** Callbacks only. Null until the acceptor has chosen one. */
  private @Nullable PeerHandler handler;

  /** Event loop only. */
  private boolean writing;

  /** Event loop only. */
  private boolean malformed;

  /** Event loop only: what has come since the pace was asked. */
  private int cost;

  /** Event loop only: nothing is read for now, because too much has been. */
  private boolean slowed;

  /** Event loop only: both sides have proved who they are, or need not. */
  private boolean open;

  /**
   * @param acceptor chooses the handler once the connection is open
   * @param dialler is told if it never is; null for one that came in
   * @param tls null for none
   * @param onEstablished is told on the event loop that the other side has said who it is
   */
  NettyConnection(
      Channel channel,
      NettyConfig config,
      Executor callbacks,
      TransportCounters counters,
      @Nullable Compression compression,
      Acceptor acceptor,
      @Nullable PeerHandler dialler,
      @Nullable TlsEnd tls,
      Consumer<NettyConnection> onEstablished) {
    this.channel = channel;
    this.config = config;
    this.counters = counters;
    this.compression = compression;
    this.acceptor = acceptor;
    this.dialler = dialler;
    this.tls = tls;
    this.onEstablished = () -> onEstablished.accept(this);
    outbound = new OutboundQueue(config.outboundQueueBytes(), config.controlReserveBytes());
    inbox =
        new Inbox(
            callbacks,
            Math.min(FrameCodec.MAX_HANDSHAKE_BYTES, config.inboundQueueBytes()),
            this::resumeReading,
            this::handlerFailed);
    pace = new Pace(config.bytesPerSecond(), config.bytesPerSecond(), System.nanoTime());
    reader = new FrameReader(this::maxLength, this::decode);
  }

  @Override
  public boolean send(Frame frame) {
    boolean control = frame.isControl();
    if (outbound.isFull(control)) {
      counters.refusedFrames.increment();
      return false;
    }
    byte[] encoded = encoded(frame);
    // By what it is before it is compressed, since that is what the other side takes memory for.
    int plainLength = FrameCodec.plainLength(encoded);
    if (plainLength > config.maxFrameBytes()) {
      throw new IllegalArgumentException(
          "a frame of "
              + plainLength
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

  /** One buffer serves frame after frame; a thread that finds it taken makes another. */
  private byte[] encoded(Frame frame) {
    ByteWriter kept = spare.getAndSet(null);
    ByteWriter out = kept == null ? new ByteWriter(FIRST_BUFFER_BYTES) : kept;
    byte[] encoded = FrameCodec.encode(frame, compresses ? compression : null, out);
    out.reset(KEPT_BUFFER_BYTES);
    spare.set(out);
    return encoded;
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
    inbox.bound(config.inboundQueueBytes());
    onEventLoop(onEstablished);
  }

  @Override
  public void speaks(int agreed) {
    protocol = agreed;
  }

  @Override
  public @Nullable PeerIdentity provenAs() {
    return tls == null ? null : tls.identity();
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
    if (tls == null) {
      open = true;
      inbox.add(this::open);
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (tls == null || !(event instanceof SslHandshakeCompletionEvent completion)) {
      return;
    }
    if (!completion.isSuccess()) {
      if (!closedHere) {
        failed(tls.failed(completion.cause()));
      }
      return;
    }
    String problem = tls.complete();
    if (problem == null) {
      open = true;
      inbox.add(this::open);
    } else {
      failed(new TlsEnd.Failure(problem, true));
    }
  }

  private void failed(TlsEnd.Failure failure) {
    if (closeReason.compareAndSet(null, failure.reason())) {
      LOG.debug("{}: {}", remote(), failure.reason());
      if (failure.isAboutTrust()) {
        if (counters.mayWarn()) {
          LOG.warn("{}: no connection: {}; further ones are counted", remote(), failure.reason());
        }
        tellUntrusted(failure.reason());
      }
      close(channel);
    }
  }

  private void tellUntrusted(String why) {
    inbox.add(
        () -> {
          PeerHandler target = handler == null ? dialler : handler;
          if (target != null) {
            target.onUntrusted(handler == null ? null : this, why);
          }
        });
  }

  /** Any thread: closes it if the other side is not believed any more. */
  void closeUnlessTrusted() {
    String problem = tls == null ? null : tls.problemNow();
    if (tls != null && problem != null && !closedHere) {
      tls.revoked(problem);
      inbox.dropFrames();
      tellUntrusted(problem);
      inbox.add(() -> close("not trusted any more: " + problem));
    }
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
      cost += in.readableBytes();
      if (closeReason.get() == null) {
        reader.read(in);
      }
    } catch (WireFormatException e) {
      dropMalformed(e);
    } finally {
      in.release();
    }
    slowDown();
    if (inbox.isFull()) {
      channel.config().setAutoRead(false);
    }
  }

  /** A peer that sends without end has no more than its part of what this node can do. */
  private void slowDown() {
    long pauseNanos = pace.spend(cost, System.nanoTime());
    cost = 0;
    if (pauseNanos == 0 || slowed) {
      return;
    }
    slowed = true;
    counters.throttled.increment();
    channel.config().setAutoRead(false);
    channel
        .eventLoop()
        .schedule(
            () -> {
              slowed = false;
              resumeReading();
            },
            pauseNanos,
            TimeUnit.NANOSECONDS);
  }

  private int maxLength() {
    return established ? config.maxFrameBytes() : FrameCodec.MAX_HANDSHAKE_BYTES;
  }

  private void decode(ByteBuffer checksumAndBody) {
    cost += NettyConfig.FRAME_COST_BYTES;
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
    if (frame.since() > protocol) {
      counters.skippedFrames.increment();
    } else if (target != null && !closedHere) {
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
    onEventLoop(() -> channel.config().setAutoRead(!inbox.isFull() && !slowed));
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
    if (open && tls != null && TlsEnd.certificateAlert(cause) != null) {
      // The side that dials is through before the other has looked at its certificate.
      failed(tls.failed(cause));
    }
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
    } else if (dialler != null && reason != null) {
      dialler.onClosed(null, reason);
    }
  }

  private void handlerFailed(Throwable e) {
    LOG.warn("{}: closed, because its handler failed", remote(), e);
    close("the handler failed: " + e);
  }

  /** Whoever waits for the end of a channel is told by its {@code channelInactive}. */
  @SuppressWarnings("FutureReturnValueIgnored")
  static void close(Channel channel) {
    channel.close();
  }

  /** On the event loop: makes room for others who come. */
  void displace() {
    close("it has not said who it is, and others wait to");
    if (!open) {
      // In a handshake an orderly end takes its time, and who is displaced would still be held.
      closeNow();
    }
  }

  /** On the event loop: without waiting for the other side. */
  void closeNow() {
    channel.unsafe().close(channel.voidPromise());
  }

  private void onEventLoop(Runnable task) {
    try {
      channel.eventLoop().execute(task);
    } catch (RejectedExecutionException e) {
      LOG.trace("{}: the transport is closed", remote(), e); // and the channel with it
    }
  }
}
