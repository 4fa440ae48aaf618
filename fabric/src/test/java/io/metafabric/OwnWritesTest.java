package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a caller reads after its own write, while others read and write the same key. */
@Timeout(60)
class OwnWritesTest {
  private static final int ROUNDS = 5_000;

  @TempDir Path directory;

  private MetadataFabric open(Durability durability) {
    return MetadataFabric.builder()
        .directory(directory)
        .durability(durability)
        .hotTierBytes(64 << 10)
        .open();
  }

  /** Of the second size the hot tier takes nothing: all reads go by the journal. */
  @ParameterizedTest
  @ValueSource(ints = {100, 10_000})
  void theOwnWriteIsRead_whileOthersReadTheKey(int valueBytes) throws Exception {
    var failed = new ConcurrentLinkedQueue<Throwable>();
    var stop = new AtomicBoolean();
    try (var fabric = open(Durability.OS)) {
      var readers = new ArrayList<Thread>();
      for (int i = 0; i < 3; i++) {
        var reader =
            new Thread(
                () -> {
                  try {
                    while (!stop.get()) {
                      fabric.get("n/k").ifPresent(read -> assertThat(read.bytes()).isNotNull());
                    }
                  } catch (Throwable e) {
                    failed.add(e);
                  }
                });
        reader.start();
        readers.add(reader);
      }
      try {
        for (int i = 0; i < ROUNDS; i++) {
          byte[] value = ByteBuffer.allocate(valueBytes).putInt(0, i).array();
          fabric.put("n/k", value);
          assertThat(fabric.get("n/k").map(Versioned::bytes)).as("round " + i).hasValue(value);
          if (i % 2 == 0) {
            assertThat(fabric.remove("n/k")).isTrue();
            assertThat(fabric.get("n/k")).as("round " + i).isEmpty();
          }
        }
      } finally {
        stop.set(true);
        for (Thread reader : readers) {
          reader.join();
        }
      }
    }
    assertThat(failed).isEmpty();
  }

  @Test
  void ofTwoConditionalWriters_theOneThatIsDeclinedSeesTheOther() throws Exception {
    var pool = Executors.newFixedThreadPool(2);
    try (var fabric = open(Durability.SYNC)) {
      for (int i = 0; i < 200; i++) {
        String key = "n/" + i;
        var go = new CyclicBarrier(2);
        Callable<Boolean> contradicted =
            () -> {
              go.await();
              boolean first = fabric.putIfAbsent(key, new byte[] {1}).isPresent();
              boolean blind = !first && fabric.get(key).isEmpty();
              go.await();
              boolean removed = fabric.remove(key);
              return blind || (!removed && fabric.get(key).isPresent());
            };
        var one = pool.submit(contradicted);
        var two = pool.submit(contradicted);
        assertThat(one.get()).as(key).isFalse();
        assertThat(two.get()).as(key).isFalse();
      }
    } finally {
      pool.shutdown();
    }
  }
}
