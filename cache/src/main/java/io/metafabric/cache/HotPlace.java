package io.metafabric.cache;

/**
 * A key's place in the hot tier, for as long as it is there. A new value changes one reference here
 * and nothing in the map and the queues: what is old points to what is new once, which a collector
 * that looks for that has to follow, and neighbours are left in peace.
 */
final class HotPlace<V> extends QueueNode {
  private final String path;
  private volatile HotEntry<V> entry;

  HotPlace(HotEntry<V> entry) {
    super(entry.weightBytes());
    this.path = entry.record().key().path();
    this.entry = entry;
  }

  String path() {
    return path;
  }

  /** Any thread. */
  HotEntry<V> entry() {
    return entry;
  }

  /** The key has another value; {@link EvictionPolicy#reweigh} follows. */
  void become(HotEntry<V> next) {
    entry = next;
  }

  @Override
  int hash() {
    return path.hashCode();
  }
}
