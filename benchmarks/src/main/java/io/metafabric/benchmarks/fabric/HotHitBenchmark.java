package io.metafabric.benchmarks.fabric;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.metafabric.MetadataFabric;
import io.metafabric.Records;
import io.metafabric.Versioned;
import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.cache.AdaptiveTier;
import io.metafabric.cache.HotEntry;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.host.SystemClock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
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
 * What does a hit in the hot tier cost beside a bare Caffeine and a ConcurrentHashMap? 100,000
 * keys, Zipf 0.99, values of 200 bytes, the caches more than half full.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar HotHit -f 1 -wi 3 -i 5 -w 1 -r 1 -prof gc}
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class HotHitBenchmark {
  private static final int KEYS = 100_000;
  private static final int VALUE_BYTES = 200;
  private static final int SAMPLES = 1 << 18;
  private static final long HOT_BYTES = 100L << 20;

  private final String[] sequence = new String[SAMPLES];
  private final ConcurrentHashMap<String, byte[]> map = new ConcurrentHashMap<>();
  private Cache<String, byte[]> caffeine;
  private AdaptiveTier<String> tier;
  private Path directory;
  private final ScheduledExecutorService ticks = Executors.newSingleThreadScheduledExecutor();
  private MetadataFabric fabric;
  private Records asClient;

  /** Where each thread is in the sequence. */
  @State(Scope.Thread)
  public static class Position {
    private int next = System.identityHashCode(this);

    int next() {
      return next++ & (SAMPLES - 1);
    }
  }

  @Setup(Level.Trial)
  public void open() throws IOException {
    caffeine =
        Caffeine.newBuilder()
            .executor(Runnable::run)
            .initialCapacity(KEYS)
            .maximumWeight((long) KEYS * VALUE_BYTES * 3 / 2)
            .weigher((String key, byte[] value) -> value.length)
            .build();
    var version = new Version(new Dot(new ActorId(1), 1), VersionVector.EMPTY, new Stamp(1));
    tier =
        new AdaptiveTier<>(
            HOT_BYTES,
            (key, dot) -> dot.equals(version.dot()),
            record -> record.key().path(),
            new SystemClock(),
            (predictor, path, bytes) -> {});
    directory = TemporaryDirectory.create("hot-hit");
    fabric =
        MetadataFabric.builder()
            .directory(directory)
            .durability(Durability.OS)
            .hotTierBytes(HOT_BYTES)
            .open();
    asClient = fabric.as("benchmark");
    String[] keys = new String[KEYS];
    for (int i = 0; i < KEYS; i++) {
      keys[i] = "catalogue/" + i;
      map.put(keys[i], new byte[VALUE_BYTES]);
      caffeine.put(keys[i], new byte[VALUE_BYTES]);
      var payload = Bytes.copyOf(new byte[VALUE_BYTES]);
      var header = Header.value(version, new RegionName("local"), payload, Header.NEVER);
      tier.fill(new MetadataRecord(Key.of(keys[i]), header, payload));
      fabric.put(keys[i], new byte[VALUE_BYTES]);
    }
    // As often as in a fabric.
    ticks.scheduleAtFixedRate(tier::tick, 10, 10, TimeUnit.MILLISECONDS);
    fabric.put("catalogue/last", new byte[1]);
    fill(keys);
  }

  /** Zipf by inversion of the cumulative weights. */
  private void fill(String[] keys) {
    var cumulative = new double[KEYS];
    double sum = 0;
    for (int i = 0; i < KEYS; i++) {
      sum += 1 / Math.pow(i + 1, 0.99);
      cumulative[i] = sum;
    }
    var random = new Random(7);
    for (int i = 0; i < SAMPLES; i++) {
      int at = java.util.Arrays.binarySearch(cumulative, random.nextDouble() * sum);
      sequence[i] = keys[Math.min(KEYS - 1, at < 0 ? -1 - at : at)];
    }
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    ticks.shutdownNow();
    fabric.close();
    TemporaryDirectory.delete(directory);
  }

  @Benchmark
  public byte[] concurrentHashMap(Position position) {
    return map.get(sequence[position.next()]);
  }

  @Benchmark
  public byte[] caffeineGetIfPresent(Position position) {
    return caffeine.getIfPresent(sequence[position.next()]);
  }

  /** Without access recording: the tier alone, and the view that readers get. */
  @Benchmark
  public Optional<String> hotTierHit(Position position) {
    HotEntry<String> entry = tier.hit(sequence[position.next()]);
    return entry == null ? Optional.empty() : entry.view();
  }

  @Benchmark
  public Optional<Versioned> fabricGet(Position position) {
    return fabric.get(sequence[position.next()]);
  }

  @Benchmark
  public Optional<Versioned> fabricGetAsClient(Position position) {
    return asClient.get(sequence[position.next()]);
  }
}
