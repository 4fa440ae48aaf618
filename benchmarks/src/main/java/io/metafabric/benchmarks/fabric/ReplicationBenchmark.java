package io.metafabric.benchmarks.fabric;

import io.metafabric.FabricBuilder;
import io.metafabric.MetadataFabric;
import io.metafabric.Versioned;
import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.version.Version;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How fast does a change get from one region to another, over real sockets on loopback, without
 * delay? Two fabrics in this JVM, {@code OS}, values of 200 bytes. With two regions each is home or
 * backup of every key, so payloads travel with their headers, and the other region journals them.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class ReplicationBenchmark {
  private static final int BATCH = 20_000;

  private final byte[] value = new byte[200];
  private Path directory;
  private MetadataFabric from;
  private MetadataFabric to;

  @Setup(Level.Trial)
  public void open() throws IOException {
    directory = TemporaryDirectory.create("replication");
    int fromPort = freePort();
    int toPort = freePort();
    from = builder("from", fromPort).peer("to", "127.0.0.1:" + toPort).open();
    to = builder("to", toPort).peer("from", "127.0.0.1:" + fromPort).open();
    from.put("first/1", value);
    // Before they are connected, a read could not tell.
    while (to.explain("first/1").version().isEmpty()) {
      LockSupport.parkNanos(20_000);
    }
  }

  private FabricBuilder builder(String region, int port) {
    return MetadataFabric.builder()
        .region(region)
        .directory(directory.resolve(region))
        .durability(Durability.OS)
        .listen("127.0.0.1:" + port);
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    from.close();
    to.close();
    TemporaryDirectory.delete(directory);
  }

  /** Changes of one actor are applied in order, so the last one proves all of them. */
  private void awaitValue(Version last) {
    while (to.get("first/1").map(Versioned::version).filter(last::equals).isEmpty()) {
      LockSupport.parkNanos(20_000);
    }
  }

  /** From the first write until the last of 20,000 is readable in the other region. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.SECONDS)
  @OperationsPerInvocation(BATCH)
  public void throughput() {
    CompletableFuture<Version> last = from.putAsync("n/0", value);
    for (int i = 2; i < BATCH; i++) {
      last = from.putAsync("n/" + i, value);
    }
    // The journal keeps the order, so none fails if the last one does not.
    last.join();
    awaitValue(from.put("first/1", value));
  }

  /**
   * From the call of put until the value is readable in the other region; polled every 20 us and
   * more.
   */
  @Benchmark
  @BenchmarkMode(Mode.SampleTime)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  public void timeToVisible() {
    awaitValue(from.put("first/1", value));
  }
}
