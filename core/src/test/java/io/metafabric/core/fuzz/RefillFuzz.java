package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.ConfigurationCodec;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bytes as the mark of a refill beside a good journal: whatever they are, the store opens, with all
 * that it had or with nothing, and with nothing only if the checksum is right.
 */
class RefillFuzz {
  private static final String MARK = "refill.mark";
  private static final int HEADER_BYTES = 16;
  private static final int KEYS = 5;
  private static final RegionName EU = new RegionName("eu");
  private static final StoreConfig CONFIG =
      new StoreConfig(
          "test",
          EU,
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
    for (int i = 0; i < KEYS; i++) {
      store
          .write(Key.of("n/" + i), Bytes.utf8("value " + i), Header.NEVER, Precondition.NONE)
          .join();
    }
    store.close();
    return Samples.files(disk);
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

  static Stream<byte[]> seeds() {
    var us = new RegionName("us");
    Configuration back = Configuration.INITIAL.without(EU).readmitting(EU).without(us);
    var out = new ByteWriter(64).i64(0x4d46524546494c31L).i32(0).i32(0);
    ConfigurationCodec.write(out, back);
    out.varint(back.since(EU));
    return Stream.of(Resealed.refill(out.toArray()), markOf("eu"), markOf("us"));
  }

  private static byte[] markOf(String region) {
    var out = new ByteWriter(64).i64(0x4d46524546494c32L).i32(0).i32(0).text("test").text(region);
    ConfigurationCodec.write(out, Configuration.INITIAL.without(EU).readmitting(EU));
    return Resealed.refill(out.varint(2).toArray());
  }

  @Test
  void aMarkOfAnotherRegion_isRefused_andNothingIsDeleted() {
    var disk = new SimDisk(1);
    STOPPED.forEach((name, content) -> write(disk, name, content));
    write(disk, MARK, markOf("us"));
    assertThatThrownBy(() -> open(disk))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("region us");
    assertThat(disk.list()).containsAll(STOPPED.keySet());
  }

  @MethodSource("seeds")
  @FuzzTest
  void open(byte[] bytes) {
    check(bytes);
    check(Resealed.refill(bytes));
  }

  private static void check(byte[] mark) {
    var disk = new SimDisk(1);
    STOPPED.forEach((name, content) -> write(disk, name, content));
    write(disk, MARK, mark);
    SimDisk found = disk.copy("a process that ended", new SplittableRandom(1));
    RecordStore store;
    try {
      store = open(found);
    } catch (ConfigurationException e) {
      // It says, with the right checksum, that the directory is another region's.
      assertThat(Arrays.equals(mark, Resealed.refill(mark))).isTrue();
      assertThat(found.list()).containsAll(STOPPED.keySet());
      return;
    }
    long keys = store.stats().keys();
    boolean isSealed = mark.length >= HEADER_BYTES && Arrays.equals(mark, Resealed.refill(mark));
    if (!isSealed) {
      assertThat(keys).isEqualTo(KEYS);
    }
    assertThat(keys).isIn(0L, (long) KEYS);
    assertThat(store.configured().filled()).isEqualTo(keys == KEYS);
    store.close();
    assertThat(found.openFiles()).isEmpty();

    RecordStore again = open(found);
    assertThat(again.stats().keys()).as("opened again").isEqualTo(keys);
    again.close();
  }

  private static void write(SimDisk disk, String name, byte[] content) {
    try (DiskFile file = disk.open(name)) {
      file.write(0, ByteBuffer.wrap(content));
    }
  }
}
