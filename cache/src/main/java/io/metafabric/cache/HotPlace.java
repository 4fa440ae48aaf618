package io.metafabric.cache;

import org.jspecify.annotations.Nullable;

/**
 * A key's place in the hot tier, for as long as it is there. A new value changes one reference here
 * and nothing in the map and the queues: what is old points to what is new once, which a collector
 * that looks for that has to follow, and neighbours are left in peace.
 *
 * <p>A key that is written again and again, and never read between, has a place without a value:
 * each of them would be copied by the collector and thrown away. The first read of one brings it
 * back, from this region's own journal. As long as its pages are in memory that costs what taking
 * in a few values does, so with {@link #UNREAD_VALUES} in a row at most twice as much is paid as by
 * somebody who knew what comes (Karlin, Manasse, Rudolph, Sleator, Competitive Snoopy Caching,
 * 1988).
 */
final class HotPlace<V> extends QueueNode {
  /** After so many values that nobody has read the next one is left out. */
  static final int UNREAD_VALUES = 3;

  /**
   * Bytes of a place without a value: the map's node and table slot 40, itself 48, its share of
   * sketch and ghosts 40, string and array header 40.
   */
  private static final int EMPTY_OVERHEAD_BYTES = 168;

  private final String path;
  private volatile @Nullable HotEntry<V> entry;

  /** Of values that were written here, one after the other; a reader's race costs a value more. */
  private byte unreadValues;

  HotPlace(HotEntry<V> entry) {
    super(entry.weightBytes());
    this.path = entry.record().key().path();
    this.entry = entry;
  }

  String path() {
    return path;
  }

  /** Any thread. Null where values are left out. */
  @Nullable HotEntry<V> entry() {
    return entry;
  }

  /** The key has another value; {@link EvictionPolicy#reweigh} follows, here and below. */
  void become(HotEntry<V> next) {
    entry = next;
  }

  void becomeEmpty() {
    entry = null;
  }

  int emptyBytes() {
    return EMPTY_OVERHEAD_BYTES + path.length();
  }

  /** Any thread, on every read. */
  void read(byte generation) {
    touch(generation);
    if (unreadValues != 0) {
      unreadValues = 0;
    }
  }

  /** Somebody asks for a value, or will. */
  void wanted() {
    unreadValues = 0;
  }

  /**
   * Somebody writes the key.
   *
   * @return whether nobody reads what is written to it
   */
  boolean written() {
    if (unreadValues == UNREAD_VALUES) {
      return true;
    }
    unreadValues++;
    return false;
  }

  @Override
  int hash() {
    return path.hashCode();
  }
}
