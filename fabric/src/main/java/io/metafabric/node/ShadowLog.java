package io.metafabric.node;

import io.metafabric.core.record.Key;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The last decisions about shadows, for people. Holds {@value #MAX_BYTES} bytes at most, by
 * estimate. Thread-safe.
 */
final class ShadowLog {
  static final long MAX_BYTES = 256 << 10;

  private static final int ENTRY_BYTES = 160;

  private record Entry(Key key, String what) {}

  // Guarded by this, as is what they take.
  private final Deque<Entry> entries = new ArrayDeque<>();
  private long bytes;

  synchronized void add(Key key, String what) {
    var entry = new Entry(key, what);
    entries.add(entry);
    bytes += bytesOf(entry);
    while (bytes > MAX_BYTES) {
      bytes -= bytesOf(entries.removeFirst());
    }
  }

  /** A key is kept once as characters and once as bytes, as in the other books. */
  private static long bytesOf(Entry entry) {
    return ENTRY_BYTES + 2L * entry.key().utf8Length() + entry.what().length();
  }

  /** About one key, newest last. */
  synchronized List<String> on(Key key) {
    var found = new ArrayList<String>();
    for (Entry entry : entries) {
      if (entry.key().equals(key)) {
        found.add(entry.what());
      }
    }
    return found;
  }

  synchronized long retainedBytes() {
    return bytes;
  }
}
