package io.metafabric.cache.chronicle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On the real library. */
class PayloadMapTest {
  private static final Layout LAYOUT = Layout.of(ChronicleConfig.MIN_BYTES);

  @TempDir Path directory;

  @BeforeAll
  static void quiet() {
    System.setProperty("chronicle.announcer.disable", "true");
  }

  private File file() {
    return directory.resolve("map").toFile();
  }

  private PayloadMap open() throws IOException {
    return PayloadMap.open(LAYOUT, file(), 0);
  }

  private static byte[] key(int number) {
    return ("n/" + number).getBytes(StandardCharsets.UTF_8);
  }

  /** Like an envelope it says how long it is. */
  private static byte[] value(int number, int length) {
    var value = new byte[Integer.BYTES + length];
    new Random(number).nextBytes(value);
    ByteBuffer.wrap(value).putInt(0, value.length);
    return value;
  }

  private static byte[] get(PayloadMap map, int number) {
    byte[] found = map.get(key(number));
    return found == null ? null : Arrays.copyOf(found, ByteBuffer.wrap(found).getInt());
  }

  private static void assertCountsAreTrue(PayloadMap map, int keys) {
    long entries = 0;
    long bytes = 0;
    for (int i = 0; i < keys; i++) {
      byte[] value = get(map, i);
      if (value != null) {
        entries++;
        bytes += Layout.chunks(key(i).length, value.length) * Layout.CHUNK_BYTES;
      }
    }
    assertThat(map.entries()).isEqualTo(entries);
    assertThat(map.entryBytes()).isEqualTo(bytes);
  }

  @Test
  void farMoreEntriesThanItIsSizedFor_stayWithinTheBounds_andTheFileAsItWas() throws IOException {
    try (PayloadMap map = open()) {
      long size = file().length();
      int keys = (int) (LAYOUT.maxEntries() * 4);
      int refused = 0;
      for (int i = 0; i < keys; i++) {
        refused += map.put(key(i), value(i, 20)) ? 0 : 1;
        assertThat(map.entries()).isLessThanOrEqualTo(LAYOUT.maxEntries() + 1);
      }
      assertThat(map.evicted()).isEqualTo(keys - refused - map.entries());
      assertThat(map.entries()).isGreaterThan(LAYOUT.maxEntries() / 2);
      assertThat(refused).isLessThan(keys / 100);
      assertThat(file().length()).isEqualTo(size).isLessThan(ChronicleConfig.MIN_BYTES * 3 / 2);
      assertCountsAreTrue(map, keys);
    }
  }

  @Test
  void whatCameFirst_makesRoomForWhatComesLater() throws IOException {
    try (PayloadMap map = open()) {
      int keys = (int) LAYOUT.maxEntries() * 8;
      for (int i = 0; i < keys; i++) {
        map.put(key(i), value(i, 20));
      }
      long young =
          IntStream.range(keys / 4, keys).filter(number -> get(map, number) != null).count();
      assertThat(young).isGreaterThan(map.entries() * 9 / 10);
    }
  }

  @Test
  void largeValues_areRefused_andThoseThatJustFitAreBounded() throws IOException {
    try (PayloadMap map = open()) {
      int largest = LAYOUT.maxChunksPerEntry() * Layout.CHUNK_BYTES - 20;
      assertThat(map.put(key(1), value(1, largest))).isTrue();
      assertThat(get(map, 1)).isEqualTo(value(1, largest));
      for (int bytes : new int[] {largest + 64, 1 << 20, 64 << 20}) {
        assertThat(map.put(key(2), new byte[bytes])).as("%d bytes", bytes).isFalse();
      }
      assertThat(get(map, 2)).isNull();
      int taken = 0;
      for (int i = 0; i < 2000; i++) {
        taken += map.put(key(i), value(i, largest)) ? 1 : 0;
        assertThat(map.entryBytes()).isLessThanOrEqualTo(LAYOUT.maxBytes() + (1 << 20) / 64);
      }
      assertThat(taken).as("a full segment makes room").isGreaterThan(1500);
      assertCountsAreTrue(map, 2000);
    }
  }

  @Test
  void mixedSizes_asAModelHasThem_exceptForWhatWasEvicted() throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    var random = new Random(seed);
    Map<Integer, byte[]> model = new HashMap<>();
    try (PayloadMap map = open()) {
      for (int step = 0; step < 30_000; step++) {
        int number = random.nextInt(8_000);
        switch (random.nextInt(4)) {
          case 0 -> {
            map.remove(key(number));
            model.remove(number);
          }
          case 1 -> {
            byte[] found = get(map, number);
            if (found != null) {
              assertThat(found).as("seed %d step %d", seed, step).isEqualTo(model.get(number));
            }
          }
          default -> {
            byte[] value = value(step, random.nextInt(random.nextInt(10) == 0 ? 20_000 : 800));
            if (map.put(key(number), value)) {
              model.put(number, value);
            } else if (get(map, number) == null) {
              model.remove(number);
            }
          }
        }
      }
      assertThat(map.evicted()).as("seed %d", seed).isPositive();
      assertCountsAreTrue(map, 8_000);
    }
  }

  @Test
  void closedAndOpenedAgain_itHasWhatItHad() throws IOException {
    long bytes;
    try (PayloadMap map = open()) {
      for (int i = 0; i < 1000; i++) {
        map.put(key(i), value(i, 100));
      }
      bytes = map.entryBytes();
    }
    try (PayloadMap map = PayloadMap.open(LAYOUT, file(), bytes)) {
      assertThat(map.entries()).isEqualTo(1000);
      for (int i = 0; i < 1000; i++) {
        assertThat(get(map, i)).isEqualTo(value(i, 100));
      }
      assertCountsAreTrue(map, 1000);
    }
  }

  @Test
  void manyThreads_neverSeeAnotherKeysValue() throws Exception {
    var pool = Executors.newFixedThreadPool(4);
    try (PayloadMap map = open()) {
      Callable<Boolean> work =
          () -> {
            var random = new Random(Thread.currentThread().getId());
            for (int i = 0; i < 15_000; i++) {
              int number = random.nextInt(20_000);
              byte[] found = get(map, number);
              if (found == null) {
                map.put(key(number), value(number, 50 + number % 500));
              } else if (!Arrays.equals(found, value(number, 50 + number % 500))) {
                return false;
              }
            }
            return true;
          };
      var done = pool.invokeAll(java.util.List.of(work, work, work, work));
      for (Future<Boolean> each : done) {
        assertThat(each.get()).isTrue();
      }
      assertThat(map.evicted()).isPositive();
      assertCountsAreTrue(map, 20_000);
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void anInterruptedReader_readsOn_andStaysInterrupted() throws IOException {
    try (PayloadMap map = open()) {
      Thread.currentThread().interrupt();
      assertThat(map.put(key(1), value(1, 100))).isTrue();
      assertThat(get(map, 1)).isEqualTo(value(1, 100));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(get(map, 1)).isEqualTo(value(1, 100));
    } finally {
      Thread.interrupted();
    }
  }
}
