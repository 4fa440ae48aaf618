package io.metafabric.node;

import io.metafabric.core.record.Key;
import java.util.Iterator;
import java.util.LinkedHashSet;

/**
 * Keys whose copy was invalidated a short while ago: the new payload may be on its way from the
 * home and is welcome. Holds {@value #MAX_BYTES} bytes at most, by estimate; forgetting one costs a
 * fetch. Thread-safe.
 */
final class InvalidatedCopies {
  static final long MAX_BYTES = 2 << 20;

  /** An entry of the set, the key and its strings, without their characters. */
  private static final int ENTRY_BYTES = 160;

  // Guarded by this, as is what they take.
  private final LinkedHashSet<Key> keys = new LinkedHashSet<>();
  private long bytes;

  synchronized void add(Key key) {
    if (keys.add(key)) {
      bytes += estimatedBytes(key);
    }
    Iterator<Key> eldest = keys.iterator();
    while (bytes > MAX_BYTES) {
      bytes -= estimatedBytes(eldest.next());
      eldest.remove();
    }
  }

  synchronized boolean contains(Key key) {
    return keys.contains(key);
  }

  synchronized void remove(Key key) {
    if (keys.remove(key)) {
      bytes -= estimatedBytes(key);
    }
  }

  /** Two bytes a character, which is more than a Latin-1 string has. */
  private static long estimatedBytes(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  synchronized long estimatedBytes() {
    return bytes;
  }
}
