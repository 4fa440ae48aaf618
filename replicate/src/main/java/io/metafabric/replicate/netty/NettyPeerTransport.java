package io.metafabric.replicate.netty;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.ListenException;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.core.wire.Compression;
import io.metafabric.replicate.tls.PeerProof;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.SingleThreadIoEventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Frames over TCP, and over TLS where peers have to prove who they are. One thread, {@code
 * metafabric-<name>-net}; it never runs a handler, and handlers never hold it up. Thread-safe.
 *
 * <p>Without TLS only loopback addresses are served: listening on any other is a {@link
 * ConfigurationException}, and none is connected to. Everything belongs to this object, memory and
 * thread included, and is gone after {@link #close}.
 */
public final class NettyPeerTransport implements PeerTransport {
  private static final Logger LOG = LoggerFactory.getLogger(NettyPeerTransport.class);

  private final NettyConfig config;
  private final Executor callbacks;
  private final @Nullable Compression compression;
  private final @Nullable PeerProof proof;
  private final Runnable onProofChanged = this::closeUntrusted;
  private final TransportCounters counters = new TransportCounters();
  private final CompletableFuture<Thread> thread = new CompletableFuture<>();
  private final SingleThreadIoEventLoop eventLoop;
  private final ByteBufAllocator memory;

  /** Event loop only. */
  private final Set<Channel> listeners = new HashSet<>();

  /** Those open, whoever began them; changed on the event loop only. */
  private final Set<NettyConnection> connections = ConcurrentHashMap.newKeySet();

  /** Event loop only: those that came in. */
  private final Arrivals<NettyConnection> arrivals;

  /** Event loop only. */
  private boolean closed;

  /** Without TLS. */
  public NettyPeerTransport(
      NettyConfig config, @Nullable Compression compression, Executor callbacks) {
    this(config, compression, null, callbacks);
  }

  /**
   * @param compression of data frames, to and from those who have it too; null for none
   * @param proof of who each side is; null for none, on loopback addresses alone
   * @param callbacks runs the handlers; serial, and on a thread of its own, never on its caller's
   */
  public NettyPeerTransport(
      NettyConfig config,
      @Nullable Compression compression,
      @Nullable PeerProof proof,
      Executor callbacks) {
    this.config = config;
    this.compression = compression;
    this.proof = proof;
    this.callbacks = callbacks;
    arrivals =
        new Arrivals<>(
            config.maxConnections(), config.maxStrangers(), config.connectionsPerSecond());
    // A loop without a group: a group would start Netty's global executor thread when it ends.
    eventLoop = new SingleThreadIoEventLoop(null, this::newThread, NioIoHandler.newFactory());
    // No pool: an idle transport then holds nothing, and a closed one leaves nothing behind.
    memory = new UnpooledByteBufAllocator(true);
    if (proof != null) {
      proof.onChange(onProofChanged);
    }
  }

  private void closeUntrusted() {
    connections.forEach(NettyConnection::closeUnlessTrusted);
  }

  private Thread newThread(Runnable run) {
    var started = new FastThreadLocalThread(run, "metafabric-" + config.name() + "-net");
    started.setDaemon(true);
    thread.complete(started);
    return started;
  }

  /**
   * Whether a transport would use this address, as far as that is known now: a name may have no
   * address yet.
   *
   * @param proven whether it has peers prove who they are
   * @throws ConfigurationException if it is, or is the name of, an address beyond this machine
   */
  public static void requireServed(PeerAddress address, boolean proven) {
    try {
      Loopback.resolve(address, proven);
    } catch (UnknownHostException e) {
      LOG.debug("{} has no address yet", address, e);
    }
  }

  @Override
  public PeerAddress listen(PeerAddress address, Acceptor acceptor) {
    InetSocketAddress socketAddress;
    try {
      socketAddress = Loopback.resolve(address, proof != null);
    } catch (UnknownHostException e) {
      throw cannotListen(address, e);
    }
    var bound = new CompletableFuture<Integer>();
    try {
      eventLoop.execute(() -> bind(socketAddress, acceptor, bound));
    } catch (RejectedExecutionException e) {
      throw new FabricClosedException("the transport is closed");
    }
    try {
      return new PeerAddress(address.host(), bound.join());
    } catch (CompletionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      if (cause instanceof FabricClosedException closedMeanwhile) {
        throw closedMeanwhile;
      }
      throw cannotListen(address, cause);
    }
  }

  private static ListenException cannotListen(PeerAddress address, Throwable cause) {
    return new ListenException(
        "cannot listen on "
            + address
            + " ("
            + messageOf(cause)
            + "); use a free port, or an address of this machine",
        cause);
  }

  private void bind(
      InetSocketAddress address, Acceptor acceptor, CompletableFuture<Integer> bound) {
    if (closed) {
      bound.completeExceptionally(new FabricClosedException("the transport is closed"));
      return;
    }
    ChannelFuture binding =
        new ServerBootstrap()
            .group(eventLoop)
            .channel(NioServerSocketChannel.class)
            // A restarted process binds the port again, although connections of its last life
            // linger in the kernel.
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.ALLOCATOR, memory)
            .childOption(ChannelOption.ALLOCATOR, memory)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, waterMark())
            .childHandler(initializer(channel -> initAccepted(channel, acceptor)))
            .bind(address);
    binding.addListener(
        done -> {
          if (done.isSuccess()) {
            listeners.add(binding.channel());
            bound.complete(((InetSocketAddress) binding.channel().localAddress()).getPort());
          } else {
            bound.completeExceptionally(done.cause());
          }
        });
  }

  private void initAccepted(Channel channel, Acceptor acceptor) {
    Object from = Arrivals.originOf(channel.remoteAddress());
    if (closed || !arrivals.mayCome(from, System.nanoTime())) {
      counters.refusedConnections.increment();
      LOG.debug("{}: refused, there are too many", channel.remoteAddress());
      NettyConnection.close(channel);
      return;
    }
    NettyConnection displaced = arrivals.displaced();
    if (displaced != null) {
      counters.displaced.increment();
      arrivals.ended(displaced);
      displaced.displace();
    }
    NettyConnection taken = init(channel, acceptor, null);
    arrivals.add(taken, from);
    channel.closeFuture().addListener(done -> arrivals.ended(taken));
  }

  private NettyConnection init(Channel channel, Acceptor acceptor, @Nullable PeerHandler dialler) {
    TlsEnd tls = proof == null ? null : new TlsEnd(proof, dialler != null, config.connectTimeout());
    var connection =
        new NettyConnection(
            channel,
            config,
            callbacks,
            counters,
            compression,
            acceptor,
            dialler,
            tls,
            arrivals::identified);
    connections.add(connection);
    channel.closeFuture().addListener(done -> connections.remove(connection));
    if (tls != null) {
      tls.addTo(channel);
    }
    channel.pipeline().addLast(connection);
    return connection;
  }

  @Override
  public void connect(PeerAddress address, PeerHandler handler) {
    try {
      InetSocketAddress socketAddress = Loopback.resolve(address, proof != null);
      eventLoop.execute(() -> dial(address, socketAddress, handler));
    } catch (UnknownHostException | ConfigurationException e) {
      tellNotConnected(address, handler, e);
    } catch (RejectedExecutionException e) {
      callbacks.execute(() -> handler.onClosed(null, "the transport is closed"));
    }
  }

  private void dial(PeerAddress address, InetSocketAddress socketAddress, PeerHandler handler) {
    if (closed) {
      callbacks.execute(() -> handler.onClosed(null, "the transport is closed"));
      return;
    }
    new Bootstrap()
        .group(eventLoop)
        .channel(NioSocketChannel.class)
        .disableResolver()
        .option(ChannelOption.ALLOCATOR, memory)
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, waterMark())
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) config.connectTimeout().toMillis())
        .handler(initializer(channel -> init(channel, connection -> handler, handler)))
        .connect(socketAddress)
        .addListener(
            done -> {
              if (!done.isSuccess()) {
                tellNotConnected(address, handler, done.cause());
              }
            });
  }

  private void tellNotConnected(PeerAddress address, PeerHandler handler, Throwable cause) {
    String reason = "cannot connect to " + address + ": " + messageOf(cause);
    callbacks.execute(() -> handler.onClosed(null, reason));
  }

  private static String messageOf(Throwable cause) {
    return Objects.requireNonNullElse(cause.getMessage(), cause.toString());
  }

  private static WriteBufferWaterMark waterMark() {
    return new WriteBufferWaterMark(32 * 1024, 64 * 1024);
  }

  private static ChannelInitializer<Channel> initializer(Consumer<Channel> init) {
    return new ChannelInitializer<>() {
      @Override
      protected void initChannel(Channel channel) {
        init.accept(channel);
      }
    };
  }

  @Override
  public TransportStats stats() {
    long waiting = 0;
    long maxWaiting = 0;
    for (NettyConnection connection : connections) {
      waiting += connection.waitingBytes();
      maxWaiting += config.maxWaitingBytes();
    }
    return counters.snapshot(
        arrivals.strangers(), waiting, maxWaiting, proof == null ? null : proof.stats());
  }

  /** Also from a handler; returns once the thread has ended. */
  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // the thread ends a little after its future
  public void close() {
    if (proof != null) {
      proof.removeListener(onProofChanged);
    }
    try {
      eventLoop.execute(this::closeAll);
    } catch (RejectedExecutionException e) {
      LOG.trace("{}: closed before", config.name(), e);
    }
    eventLoop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
    awaitThread();
  }

  private void closeAll() {
    closed = true;
    listeners.forEach(NettyConnection::close);
    Set<NettyConnection> left = Set.copyOf(connections);
    left.forEach(connection -> connection.close("the transport was closed"));
    // Behind what those do. A loop that ends runs its tasks, and may end before it looks at its
    // channels once more: one that lingered then stayed open, and nobody was told.
    eventLoop.execute(() -> left.forEach(NettyConnection::closeNow));
  }

  private void awaitThread() {
    boolean interrupted = false;
    Thread ending = thread.join();
    while (ending.isAlive()) {
      try {
        ending.join();
      } catch (InterruptedException e) {
        interrupted = true; // a half closed transport would be worse than a late interruption
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
