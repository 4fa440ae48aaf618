package io.metafabric.core.index;

import static io.metafabric.core.stress.Interleavings.race;
import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.times;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Real threads, as a page is too long a loop for a model checker. */
@Tag("stress")
class PagePoolStressTest {
  private static final int ROUNDS = 30;
  private static final int EACH = 100;

  /** Each of three threads keeps some pages and gives others back: in all less than two slabs. */
  @Test
  void aPageIsGivenToOneAlone_andNoneIsLost() {
    for (int round = 0; round < times(ROUNDS); round++) {
      var pool = new PagePool();
      var kept = new ByteBuffer[3][EACH / 2];
      race(() -> take(pool, kept[0]), () -> take(pool, kept[1]), () -> take(pool, kept[2]));
      Set<ByteBuffer> pages = Collections.newSetFromMap(new IdentityHashMap<>());
      for (ByteBuffer[] each : kept) {
        Collections.addAll(pages, each);
      }
      require(pages.size() == 3 * EACH / 2, "one page for two");
      long bytes = pool.bytes();
      for (long left = bytes / PagePool.PAGE_BYTES - pages.size(); left > 0; left--) {
        require(pages.add(pool.take()), "one page for two");
      }
      require(pool.bytes() == bytes, "a page is lost");
      require(bytes <= 256 * PagePool.PAGE_BYTES, "more is taken than is in use");
    }
  }

  private static void take(PagePool pool, ByteBuffer[] kept) {
    for (int i = 0; i < kept.length; i++) {
      kept[i] = pool.take();
      pool.give(pool.take());
    }
  }
}
