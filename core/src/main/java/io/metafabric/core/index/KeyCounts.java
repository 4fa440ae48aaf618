package io.metafabric.core.index;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How many keys there are, and how many of them were deleted. Any thread may ask; counted under the
 * lock of the table in which a slot changes.
 */
final class KeyCounts {
  private final AtomicLong keys = new AtomicLong();
  private final AtomicLong tombstones = new AtomicLong();
  private final AtomicLong tombstoneBytes = new AtomicLong();

  /** A key that was not known, by the words of its slot. */
  void added(SlotTable table, long first, long second) {
    keys.incrementAndGet();
    count(table, first, second, 1);
  }

  void forgotten() {
    keys.decrementAndGet();
  }

  /**
   * @param sign 1 for words of a header that a slot has from now on, -1 if it has them no more
   */
  void count(SlotTable table, long first, long second, int sign) {
    if (SlotWords.isMortal(second)) {
      table.addMortals(sign);
    }
    if (SlotWords.isTombstone(second)) {
      tombstones.addAndGet(sign);
      tombstoneBytes.addAndGet((long) sign * SlotWords.lengthOf(first));
    }
  }

  void setKeys(long count) {
    keys.set(count);
  }

  long keys() {
    return keys.get();
  }

  long tombstones() {
    return tombstones.get();
  }

  long tombstoneBytes() {
    return tombstoneBytes.get();
  }
}
