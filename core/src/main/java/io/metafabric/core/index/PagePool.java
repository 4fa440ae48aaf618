package io.metafabric.core.index;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/**
 * Pages of memory outside of the heap. What is given back is used again, so the memory taken from
 * the system is what was in use at once at most. Thread-safe.
 */
final class PagePool {
  static final int PAGE_BYTES = 4096;

  /** Taken from the system at a time. */
  private static final int SLAB_PAGES = 128;

  private final ArrayDeque<ByteBuffer> free = new ArrayDeque<>();
  private long slabs;

  /** A page of zeros. */
  ByteBuffer take() {
    ByteBuffer page = next();
    for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
      page.putLong(at, 0);
    }
    return page;
  }

  private synchronized ByteBuffer next() {
    if (free.isEmpty()) {
      ByteBuffer slab = ByteBuffer.allocateDirect(SLAB_PAGES * PAGE_BYTES);
      slabs++;
      for (int i = 0; i < SLAB_PAGES; i++) {
        free.add(slab.slice(i * PAGE_BYTES, PAGE_BYTES));
      }
    }
    return free.remove();
  }

  /** The caller has no reference left that it would write through. */
  synchronized void give(ByteBuffer page) {
    free.push(page);
  }

  /** Taken from the system, in use or not. */
  synchronized long bytes() {
    return slabs * SLAB_PAGES * PAGE_BYTES;
  }
}
