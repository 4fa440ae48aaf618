package io.metafabric.core.index;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The tables over which all keys are spread evenly, by their hashes, and the memory that they take.
 * Thread-safe as far as a {@link SlotTable} is.
 */
final class SlotTables {
  static final int COUNT = 128;

  private static final int SHIFT = Long.SIZE - 7;

  private final PagePool pool = new PagePool();
  private final SlotTable[] tables = new SlotTable[COUNT];

  SlotTables() {
    Arrays.setAll(tables, i -> new SlotTable(pool));
  }

  SlotTable of(long hash) {
    return tables[(int) (hash >>> SHIFT)];
  }

  SlotTable get(int table) {
    return tables[table];
  }

  List<SlotTable> all() {
    return Collections.unmodifiableList(Arrays.asList(tables));
  }

  static int fingerprint(long hash) {
    return (int) hash;
  }

  /** What is known of a hash by the slot of its key. */
  static long hashOf(int table, int fingerprint) {
    return (long) table << SHIFT | Integer.toUnsignedLong(fingerprint);
  }

  /** Memory taken from the system, outside of the heap. */
  long bytes() {
    return pool.bytes();
  }
}
