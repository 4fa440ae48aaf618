package io.metafabric.benchmarks.fabric;

import io.metafabric.MetadataFabric;
import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.version.Version;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How many values of 200 bytes does a fabric store a second, over 100,000 keys written uniformly?
 * Beside it, one thread that appends 250 bytes to a bare file, and forces it in {@code SYNC}.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class PutBenchmark {
  private static final int KEYS = 100_000;
  private static final int IN_FLIGHT = 1_000;

  @Param({"SYNC", "OS"})
  private String durability;

  private final String[] keys = new String[KEYS];
  private final byte[] value = new byte[200];
  private Path directory;
  private MetadataFabric fabric;

  /** Which key each thread writes next, and what it has under way. */
  @State(Scope.Thread)
  public static class Writer {
    private final SplittableRandom random = new SplittableRandom(System.identityHashCode(this));
    private final ArrayDeque<CompletableFuture<Version>> inFlight = new ArrayDeque<>();

    int next() {
      return random.nextInt(KEYS);
    }
  }

  /** A bare file. */
  @State(Scope.Thread)
  public static class Appender {
    private RandomAccessFile file;
    private FileChannel channel;
    private final ByteBuffer frame = ByteBuffer.allocate(250);
    private long offset;

    @Setup(Level.Trial)
    public void open(PutBenchmark benchmark) throws IOException {
      file = new RandomAccessFile(benchmark.directory.resolve("bare").toFile(), "rw");
      channel = file.getChannel();
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
      file.close();
    }
  }

  @Setup(Level.Trial)
  public void open() throws IOException {
    directory = TemporaryDirectory.create("put");
    fabric =
        MetadataFabric.builder()
            .directory(directory.resolve("f"))
            .durability(durability.equals("SYNC") ? Durability.SYNC : Durability.OS)
            .open();
    for (int i = 0; i < KEYS; i++) {
      keys[i] = "catalogue/" + i;
    }
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    fabric.close();
    TemporaryDirectory.delete(directory);
  }

  @Benchmark
  @Threads(1)
  public long bareAppend1(Appender bare) throws IOException {
    bare.channel.write(bare.frame.clear(), bare.offset);
    if (durability.equals("SYNC")) {
      bare.channel.force(false);
    }
    return bare.offset += 250;
  }

  @Benchmark
  @Threads(1)
  public Version put1(Writer writer) {
    return fabric.put(keys[writer.next()], value);
  }

  @Benchmark
  @Threads(8)
  public Version put8(Writer writer) {
    return fabric.put(keys[writer.next()], value);
  }

  @Benchmark
  @Threads(64)
  public Version put64(Writer writer) {
    return fabric.put(keys[writer.next()], value);
  }

  /** One thread with at most 1,000 writes under way. */
  @Benchmark
  @Threads(1)
  public CompletableFuture<Version> putAsync1(Writer writer) {
    if (writer.inFlight.size() == IN_FLIGHT) {
      writer.inFlight.remove().join();
    }
    CompletableFuture<Version> written = fabric.putAsync(keys[writer.next()], value);
    writer.inFlight.add(written);
    return written;
  }
}
