package io.metafabric.http;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.ListenException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.replicate.tls.ServerTls;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.SingleThreadIoEventLoop;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers HTTP/1.1. One thread, {@code metafabric-<name>-http}, moves bytes; what requests ask for
 * is begun on the worker. Everything belongs to this object and is gone after {@link #close}.
 * Thread-safe.
 */
public final class HttpServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HttpServer.class);

  private static final int MAX_FIRST_LINE_BYTES = 8 << 10;
  private static final int MAX_HEADERS_BYTES = 16 << 10;
  private static final int MAX_CHUNK_BYTES = 16 << 10;

  /** Requests of one connection that wait, so that small ones cannot fill the memory. */
  static final int MAX_PIPELINED = 128;

  private static final Duration CERTIFICATES_EVERY = Duration.ofSeconds(10);

  private final HttpConfig config;
  private final SerialExecutor worker;
  private final HttpService service;
  private final @Nullable ServerTls files;
  private final LongSupplier wallMs;
  private final CompletableFuture<Thread> thread = new CompletableFuture<>();
  private final SingleThreadIoEventLoop eventLoop;
  private final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(true);
  private final PeerAddress bound;

  private volatile ServerTls.@Nullable Loaded certificate;
  private @Nullable String logged;

  // Event loop only.
  private final Set<Channel> channels = new HashSet<>();
  private boolean closed;

  /**
   * Whether a server could be opened, as far as that can be said without opening it.
   *
   * @throws ConfigurationException if it is to be reached from elsewhere without certificate and
   *     token, or a file of the certificate is not what it should be
   */
  public static void requireServed(HttpConfig config, long nowMs) {
    config.resolve();
    if (config.tls() != null) {
      config.tls().load(nowMs);
    }
  }

  /**
   * Begins to listen.
   *
   * @param name for its thread
   * @param worker begins what requests ask for; closed with this
   * @param wallMs epoch milliseconds, for the dates of certificates
   * @throws ConfigurationException as {@link #requireServed}; the worker is closed then
   * @throws ListenException if the address is taken; the worker is closed then
   */
  public HttpServer(
      HttpConfig config,
      String name,
      List<HttpRoute> routes,
      SerialExecutor worker,
      LongSupplier wallMs) {
    this.config = config;
    this.worker = worker;
    this.wallMs = wallMs;
    this.files = config.tls();
    this.service = new HttpService(config, routes, worker);
    // As the transport between regions: without a group, and without a pool.
    this.eventLoop =
        new SingleThreadIoEventLoop(
            null,
            run -> {
              var started = new FastThreadLocalThread(run, "metafabric-" + name + "-http");
              started.setDaemon(true);
              thread.complete(started);
              return started;
            },
            NioIoHandler.newFactory());
    try {
      certificate = files == null ? null : files.load(wallMs.getAsLong());
      bound = listen();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    if (files != null) {
      worker.schedule(CERTIFICATES_EVERY, this::lookAtCertificate);
    }
  }

  private PeerAddress listen() {
    InetSocketAddress address = config.resolve();
    var port = new CompletableFuture<Integer>();
    eventLoop.execute(() -> bind(address, port));
    try {
      return new PeerAddress(config.address().host(), port.join());
    } catch (CompletionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new ListenException(
          "cannot listen for HTTP on "
              + config.address()
              + " ("
              + cause.getMessage()
              + "); use a free port, or an address of this machine",
          cause);
    }
  }

  private void bind(InetSocketAddress address, CompletableFuture<Integer> port) {
    ChannelFuture binding =
        new ServerBootstrap()
            .group(eventLoop)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.ALLOCATOR, memory)
            .childOption(ChannelOption.ALLOCATOR, memory)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(channel);
                  }
                })
            .bind(address);
    binding.addListener(
        done -> {
          if (done.isSuccess()) {
            channels.add(binding.channel());
            port.complete(((InetSocketAddress) binding.channel().localAddress()).getPort());
          } else {
            port.completeExceptionally(done.cause());
          }
        });
  }

  private void accept(Channel channel) {
    HttpCounters counters = service.counters();
    if (closed || counters.open.get() >= config.maxConnections()) {
      counters.refused(HttpRefusal.CONNECTIONS);
      HttpConnection.close(channel);
      return;
    }
    counters.connections.incrementAndGet();
    counters.open.incrementAndGet();
    channels.add(channel);
    channel
        .closeFuture()
        .addListener(
            done -> {
              channels.remove(channel);
              counters.open.decrementAndGet();
            });
    ServerTls.Loaded shown = certificate;
    if (shown != null) {
      var tls = new SslHandler(shown.newEngine());
      tls.setHandshakeTimeoutMillis(config.patience().toMillis());
      channel.pipeline().addLast(tls);
    }
    var connection = new HttpConnection(channel, service);
    channel
        .pipeline()
        .addLast(connection.new Ear())
        .addLast(
            new HttpServerCodec(
                new HttpDecoderConfig()
                    .setMaxInitialLineLength(MAX_FIRST_LINE_BYTES)
                    .setMaxHeaderSize(MAX_HEADERS_BYTES)
                    .setMaxChunkSize(MAX_CHUNK_BYTES),
                MAX_PIPELINED))
        .addLast(connection);
  }

  private void lookAtCertificate() {
    ServerTls.Loaded before = certificate;
    if (files != null && before != null) {
      try {
        certificate = files.reload(before, wallMs.getAsLong());
        logged = null;
      } catch (ConfigurationException e) {
        if (!String.valueOf(e.getMessage()).equals(logged)) {
          log.warn("http: a changed certificate is not taken: {}", e.getMessage());
        }
        logged = e.getMessage();
      }
    }
    worker.schedule(CERTIFICATES_EVERY, this::lookAtCertificate);
  }

  /** Where it listens. */
  public PeerAddress address() {
    return bound;
  }

  public HttpStats stats() {
    return service.counters().snapshot();
  }

  /** What connections hold at the moment; nothing once it is closed. */
  long heldBytes() {
    return memory.metric().usedDirectMemory() + memory.metric().usedHeapMemory();
  }

  /** Returns once the threads have ended; requests under way are not answered. */
  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // the thread ends a little after its future
  public void close() {
    try {
      eventLoop.execute(
          () -> {
            closed = true;
            List.copyOf(channels).forEach(HttpConnection::close);
          });
    } catch (RejectedExecutionException e) {
      log.trace("closed before", e);
    }
    eventLoop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
    worker.close();
    awaitThread();
  }

  private void awaitThread() {
    boolean interrupted = false;
    Thread ending = thread.join();
    while (ending.isAlive()) {
      try {
        ending.join();
      } catch (InterruptedException e) {
        interrupted = true; // what is half closed would be worse than a late interruption
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
