package io.metafabric.benchmarks.storage;

import io.metafabric.MetadataFabric;
import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.core.journal.Durability;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteOptions;

/**
 * A fabric of one node beside RocksDB (write-ahead log on) and H2's MVStore: 200,000 keys, values
 * of 200 bytes, uniform. The peers store bytes; a fabric also keeps a version with its context for
 * each, and publishes every write to its tiers.
 *
 * <p>MVStore has no durability per write: it commits in the background, so it stands beside the
 * modes that do not wait for the disk.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class StorageBenchmark {
  private static final int KEYS = 200_000;
  private static final String PREFIX = "catalogue/";

  private final byte[] value = new byte[200];
  private final String[] keys = new String[KEYS];
  private final byte[][] keyBytes = new byte[KEYS][];
  private Path directory;
  private MetadataFabric os;
  private MetadataFabric sync;
  private Options options;
  private WriteOptions unsynced;
  private WriteOptions synced;
  private RocksDB rocks;
  private MVStore mvStore;
  private MVMap<String, byte[]> mvMap;

  /** Which key each thread takes next. */
  @State(Scope.Thread)
  public static class Draw {
    private final SplittableRandom random = new SplittableRandom(System.identityHashCode(this));

    int next() {
      return random.nextInt(KEYS);
    }
  }

  @Setup(Level.Trial)
  public void open() throws IOException, RocksDBException {
    directory = TemporaryDirectory.create("storage");
    os = fabric("os", Durability.OS);
    sync = fabric("sync", Durability.SYNC);
    RocksDB.loadLibrary();
    options = new Options().setCreateIfMissing(true);
    unsynced = new WriteOptions();
    synced = new WriteOptions().setSync(true);
    rocks = RocksDB.open(options, directory.resolve("rocks").toString());
    mvStore = new MVStore.Builder().fileName(directory.resolve("mv").toString()).open();
    mvMap = mvStore.openMap("values");
    for (int i = 0; i < KEYS; i++) {
      keys[i] = PREFIX + i;
      keyBytes[i] = keys[i].getBytes(StandardCharsets.UTF_8);
      os.put(keys[i], value);
      rocks.put(unsynced, keyBytes[i], value);
      mvMap.put(keys[i], value.clone());
    }
    mvStore.commit();
  }

  private MetadataFabric fabric(String name, Durability durability) {
    return MetadataFabric.builder()
        .directory(directory.resolve(name))
        .durability(durability)
        .hotTierBytes(1 << 20)
        .prediction(false)
        .open();
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    os.close();
    sync.close();
    rocks.close();
    synced.close();
    unsynced.close();
    options.close();
    mvStore.close();
    TemporaryDirectory.delete(directory);
  }

  @Benchmark
  @Threads(1)
  public Object putOs1Fabric(Draw draw) {
    return os.put(keys[draw.next()], value);
  }

  @Benchmark
  @Threads(1)
  public void putOs1RocksDb(Draw draw) throws RocksDBException {
    rocks.put(unsynced, keyBytes[draw.next()], value);
  }

  @Benchmark
  @Threads(1)
  public Object putOs1MvStore(Draw draw) {
    return mvMap.put(keys[draw.next()], value.clone());
  }

  @Benchmark
  @Threads(1)
  public Object putSync1Fabric(Draw draw) {
    return sync.put(keys[draw.next()], value);
  }

  @Benchmark
  @Threads(1)
  public void putSync1RocksDb(Draw draw) throws RocksDBException {
    rocks.put(synced, keyBytes[draw.next()], value);
  }

  @Benchmark
  @Threads(64)
  public Object putSync64Fabric(Draw draw) {
    return sync.put(keys[draw.next()], value);
  }

  @Benchmark
  @Threads(64)
  public void putSync64RocksDb(Draw draw) throws RocksDBException {
    rocks.put(synced, keyBytes[draw.next()], value);
  }

  @Benchmark
  @Threads(1)
  public Object getWarmFabric(Draw draw) {
    return os.get(keys[draw.next()]);
  }

  @Benchmark
  @Threads(1)
  public Object getWarmRocksDb(Draw draw) throws RocksDBException {
    return rocks.get(keyBytes[draw.next()]);
  }

  @Benchmark
  @Threads(1)
  public Object getWarmMvStore(Draw draw) {
    return mvMap.get(keys[draw.next()]);
  }
}
