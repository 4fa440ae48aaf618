package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.DirectExecutor;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bytes as the beginning of the hint beside a good journal: whatever they are, the store opens and
 * gives the journal's answers. Bytes as the hint's description under a good checksum: it may be
 * believed, but fails with nothing but what says that it is not, and takes no more memory than it
 * may.
 */
class HintFuzz {
  private static final String HINT = "index.hint";
  private static final int HEADER_BYTES = 16;
  private static final int PAGE_BYTES = 4096;
  private static final int KEYS = 9;
  private static final StoreConfig CONFIG =
      new StoreConfig(
          "test",
          new RegionName("eu"),
          Samples.CONFIG,
          Durabilities.all(Durability.OS),
          1 << 16,
          1 << 20,
          64 << 20,
          new CompactionConfig(1 << 20, 0));
  private static final Map<String, byte[]> STOPPED = stopped();

  private static Map<String, byte[]> stopped() {
    var disk = new SimDisk(1);
    RecordStore store = open(disk);
    for (int i = 0; i < 2 * KEYS; i++) {
      Bytes value = i % 5 == 4 ? null : Bytes.utf8("value " + i);
      store.write(key(i), value, Header.NEVER, Precondition.NONE).join();
    }
    store.close();
    return Samples.files(disk);
  }

  private static Key key(int i) {
    return Key.of("n/" + i % KEYS);
  }

  private static RecordStore open(SimDisk disk) {
    var clock =
        new Clock() {
          @Override
          public long wallMs() {
            return 1_700_000_000_000L;
          }

          @Override
          public long nanoTime() {
            return 0;
          }
        };
    return RecordStore.open(
        CONFIG, disk, clock, new SplittableRandom(1), new DirectExecutor(), changes -> {});
  }

  private static byte[] good() {
    return STOPPED.get(HINT);
  }

  /** The header and the description. */
  static Stream<byte[]> seeds() {
    int bytes = ByteBuffer.wrap(good()).getInt(Long.BYTES);
    assertThat(HEADER_BYTES + bytes).as("the pages begin behind one page").isLessThan(PAGE_BYTES);
    return Stream.of(Arrays.copyOf(good(), HEADER_BYTES + bytes));
  }

  @MethodSource("seeds")
  @FuzzTest
  void open(byte[] bytes) {
    check(bytes);
  }

  static void check(byte[] bytes) {
    byte[] beginning = Arrays.copyOf(bytes, Math.min(bytes.length, PAGE_BYTES));
    SimDisk disk = disk(beginning);
    RecordStore store = open(disk);
    for (int i = 0; i < KEYS; i++) {
      int last = i + KEYS;
      MetadataRecord record = store.read(key(i));
      assertThat(record).isNotNull();
      assertThat(record.payload()).isEqualTo(last % 5 == 4 ? null : Bytes.utf8("value " + last));
    }
    assertThat(store.stats().keys()).isEqualTo(KEYS);
    store.close();
    assertThat(disk.openFiles()).isEmpty();

    try (var memory = new MemoryBound(good().length)) {
      open(disk(Resealed.hint(beginning)));
    }
  }

  private static SimDisk disk(byte[] beginning) {
    var disk = new SimDisk(1);
    STOPPED.forEach(
        (name, content) -> {
          try (DiskFile file = disk.open(name)) {
            file.write(0, ByteBuffer.wrap(content));
            if (name.equals(HINT)) {
              file.write(0, ByteBuffer.wrap(beginning));
            }
          }
        });
    return disk.copy("a process that ended", new SplittableRandom(1));
  }
}
