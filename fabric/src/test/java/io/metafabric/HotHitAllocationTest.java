package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole hot path as a host sees it, with recording and prediction on. */
class HotHitAllocationTest {
  private static final int KEYS = 1_000;
  private static final int HITS = 300_000;

  private final com.sun.management.ThreadMXBean threads =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir Path directory;

  @Test
  void aHotHit_allocatesNothing() {
    var keys = new String[KEYS];
    try (var fabric = MetadataFabric.builder().directory(directory).prediction(true).open()) {
      for (int i = 0; i < KEYS; i++) {
        keys[i] = "n/" + i;
        fabric.putAsync(keys[i], new byte[100]);
      }
      fabric.put("n/last", new byte[100]);
      for (Records reader : new Records[] {fabric, fabric.as("client")}) {
        hits(reader, keys);
        long before = threads.getCurrentThreadAllocatedBytes();
        hits(reader, keys);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        // A counter may get a cell more under way; one object a hit would be 4.8 MB at least.
        assertThat(allocated).as("bytes allocated by " + HITS + " hits").isLessThan(16_384);
      }
      assertThat(fabric.stats().reads().hot()).isEqualTo(4 * HITS);
      assertThat(fabric.stats().prefetch().accessesRecorded()).isPositive();
    }
  }

  private static void hits(Records reader, String[] keys) {
    for (int i = 0; i < HITS; i++) {
      if (reader.get(keys[i % KEYS]).isEmpty()) {
        throw new AssertionError("a hit was expected");
      }
    }
  }
}
