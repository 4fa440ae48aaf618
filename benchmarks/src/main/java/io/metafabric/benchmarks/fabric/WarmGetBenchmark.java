package io.metafabric.benchmarks.fabric;

import io.metafabric.MetadataFabric;
import io.metafabric.Versioned;
import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.core.journal.Durability;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
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
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does a read cost that the hot tier cannot answer? 200,000 keys read uniformly, values of 200
 * bytes, a hot tier of 1 MiB (about one key in a hundred is in it); the file is in the system's
 * memory.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class WarmGetBenchmark {
  private static final int KEYS = 200_000;

  private final String[] keys = new String[KEYS];
  private Path directory;
  private MetadataFabric fabric;

  /** Which key each thread reads next. */
  @State(Scope.Thread)
  public static class Draw {
    private final SplittableRandom random = new SplittableRandom(System.identityHashCode(this));

    int next() {
      return random.nextInt(KEYS);
    }
  }

  @Setup(Level.Trial)
  public void open() throws IOException {
    directory = TemporaryDirectory.create("warm-get");
    fabric =
        MetadataFabric.builder()
            .directory(directory)
            .durability(Durability.OS)
            .hotTierBytes(1 << 20)
            .open();
    CompletableFuture<?> last = null;
    for (int i = 0; i < KEYS; i++) {
      keys[i] = "catalogue/" + i;
      last = fabric.putAsync(keys[i], new byte[200]);
    }
    last.join();
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    var reads = fabric.stats().reads();
    System.out.printf("%nhot %,d, warm %,d reads%n", reads.hot(), reads.warm());
    fabric.close();
    TemporaryDirectory.delete(directory);
  }

  @Benchmark
  public Optional<Versioned> fabricGet(Draw draw) {
    return fabric.get(keys[draw.next()]);
  }
}
