package io.metafabric.benchmarks.cache;

import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.cache.JournalTier;
import io.metafabric.cache.chronicle.ChronicleConfig;
import io.metafabric.cache.chronicle.ChronicleTier;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.host.FileDisk;
import io.metafabric.host.SystemClock;
import io.metafabric.host.ThreadScheduler;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import net.openhft.chronicle.map.ChronicleMap;
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
 * What does our tier add to the Chronicle Map that it keeps? 200,000 keys read uniformly, values of
 * 200 bytes. A read of ours gives a checked, current record; the bare map's gives the bytes. All
 * maps are sized for what is in them.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 2,
    jvmArgsAppend = {
      "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
      "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
      "--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED",
      "--add-opens=java.base/java.lang=ALL-UNNAMED",
      "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED"
    })
public class ChronicleTierBenchmark {
  private static final int KEYS = 200_000;
  private static final int VALUE_BYTES = 200;

  private final Key[] keys = new Key[KEYS];
  private final String[] paths = new String[KEYS];
  private final byte[][] keyBytes = new byte[KEYS][];
  private Path directory;
  private ThreadScheduler scheduler;
  private SerialExecutor committing;
  private FileDisk disk;
  private RecordStore store;
  private JournalTier journal;
  private ChronicleTier tier;
  private ChronicleMap<byte[], byte[]> bareBytes;
  private ChronicleMap<CharSequence, byte[]> bareText;

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
    directory = TemporaryDirectory.create("chronicle-tier");
    disk = new FileDisk(directory);
    scheduler = new ThreadScheduler("bench");
    committing = scheduler.serial("journal");
    store =
        RecordStore.open(
            new StoreConfig(
                "bench",
                new RegionName("paris"),
                new JournalConfig(JournalConfig.DEFAULT_SEGMENT_BYTES),
                Durabilities.all(Durability.OS),
                1 << 20,
                32 << 20,
                64 << 20,
                CompactionConfig.DEFAULT),
            disk,
            new SystemClock(),
            new SecureRandom(),
            committing,
            changes -> {});
    journal = new JournalTier(store);
    tier =
        ChronicleTier.open(
            new ChronicleConfig(80 << 20), disk, directory, journal, store, this::failed);
    bareBytes =
        ChronicleMap.of(byte[].class, byte[].class)
            .entries(KEYS)
            .averageKeySize(16)
            .averageValueSize(VALUE_BYTES)
            .createPersistedTo(directory.resolve("bare-bytes").toFile());
    bareText =
        ChronicleMap.of(CharSequence.class, byte[].class)
            .entries(KEYS)
            .averageKeySize(16)
            .averageValueSize(VALUE_BYTES)
            .createPersistedTo(directory.resolve("bare-text").toFile());
    var value = Bytes.copyOf(new byte[VALUE_BYTES]);
    CompletableFuture<?> last = null;
    for (int i = 0; i < KEYS; i++) {
      keys[i] = Key.of("catalogue/" + i);
      paths[i] = keys[i].path();
      keyBytes[i] = keys[i].toUtf8();
      bareBytes.put(keyBytes[i], value.toArray());
      bareText.put(paths[i], value.toArray());
      last = store.writeHere(keys[i], value, Header.NEVER, Precondition.NONE);
    }
    last.join();
    for (Key key : keys) {
      tier.get(key);
    }
  }

  private void failed(Throwable cause) {
    throw new IllegalStateException(cause);
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    System.out.printf("%n%s%n", tier.stats());
    committing.close();
    tier.close();
    store.close();
    bareBytes.close();
    bareText.close();
    TemporaryDirectory.delete(directory);
  }

  @Benchmark
  public MetadataRecord tier(Draw draw) {
    return tier.get(keys[draw.next()]);
  }

  @Benchmark
  public MetadataRecord journal(Draw draw) {
    return journal.get(keys[draw.next()]);
  }

  @Benchmark
  public byte[] bareBytes(Draw draw) {
    return bareBytes.get(keyBytes[draw.next()]);
  }

  @Benchmark
  @SuppressWarnings("CollectionUndefinedEquality") // The map compares what is written.
  public byte[] bareText(Draw draw) {
    return bareText.get(paths[draw.next()]);
  }
}
