package io.metafabric.replicate.netty;

import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.transport.TransportWorld;
import io.metafabric.replicate.zstd.ZstdCompression;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;

/** Real threads and real sockets on loopback. */
final class SocketWorld implements TransportWorld {
  static final int MAX_CONNECTIONS = 256;
  static final int MAX_STRANGERS = 220;

  private final List<ExecutorService> executors = new ArrayList<>();

  static NettyConfig config(String name, TransportLimits limits) {
    return new NettyConfig(
        name,
        limits.maxFrameBytes(),
        limits.outboundQueueBytes(),
        limits.controlReserveBytes(),
        limits.inboundQueueBytes(),
        MAX_CONNECTIONS,
        MAX_STRANGERS,
        100_000,
        1L << 30,
        Duration.ofSeconds(10));
  }

  /** Like the production executors, these drop what comes after their end. */
  @Override
  public Executor newExecutor(String node) {
    var executor =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            run -> new Thread(run, "callbacks-" + node),
            new ThreadPoolExecutor.DiscardPolicy());
    executors.add(executor);
    return executor;
  }

  @Override
  public PeerTransport newTransport(String node, TransportLimits limits, Executor callbacks) {
    return new NettyPeerTransport(config(node, limits), ZstdCompression.load(), callbacks);
  }

  @Override
  public PeerAddress anyAddress(String node) {
    return new PeerAddress("127.0.0.1", 0);
  }

  @Override
  public PeerAddress deadAddress() {
    return new PeerAddress("127.0.0.1", FreePorts.take(1).get(0));
  }

  @Override
  public void runUntil(String what, BooleanSupplier condition) {
    Awaitility.await(what)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(1))
        .pollInSameThread()
        .atMost(Duration.ofSeconds(30))
        .until(condition::getAsBoolean);
  }

  @Override
  public void close() {
    executors.forEach(ExecutorService::shutdown);
  }
}
