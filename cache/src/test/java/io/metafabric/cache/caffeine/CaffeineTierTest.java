package io.metafabric.cache.caffeine;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierContract;
import io.metafabric.cache.TestRecords;
import io.metafabric.cache.WasteListener;
import io.metafabric.core.store.CurrentDots;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class CaffeineTierTest extends HotTierContract {
  @Override
  protected HotTier<String> newTier(long maxBytes, CurrentDots index, WasteListener wasted) {
    return new CaffeineTier<>(maxBytes, index, record -> "view of " + record.key(), wasted);
  }

  @Test
  void aHit_allocatesNothing() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    var record = TestRecords.write("n/1", 1, 100);
    try (var tier = newTier(1 << 20, (key, dot) -> true, (p, path, bytes) -> {})) {
      tier.fill(record);
      hits(tier, 200_000);
      long before = threads.getCurrentThreadAllocatedBytes();
      hits(tier, 200_000);
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      // Caffeine's own bookkeeping now and then; one object a hit would be 3 MB at least.
      assertThat(allocated).isLessThan(200_000);
    }
  }

  @Test
  void whatIsReadBetweenFills_stays_withoutATickToo() {
    try (var tier = newTier(64 << 10, (key, dot) -> true, (p, path, bytes) -> {})) {
      tier.fill(TestRecords.write("n/read", 1, 500));
      for (int i = 0; i < 2_000; i++) {
        assertThat(tier.hit("n/read")).as("after %s fills", i).isNotNull();
        tier.fill(TestRecords.write("n/" + i, 1, 500));
      }
    }
  }

  private static void hits(HotTier<String> tier, int count) {
    for (int i = 0; i < count; i++) {
      if (i % 2 == 0) {
        // So that it is noted too.
        tier.tick();
      }
      if (tier.hit("n/1") == null) {
        throw new AssertionError("a hit was expected");
      }
    }
  }
}
