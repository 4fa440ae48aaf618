package io.metafabric.core.store;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Headers that were published of late, so that the next write of the same key need not read the
 * journal. Holds {@value #MAX_BYTES} bytes at most, about. Thread-safe.
 *
 * <p>Every publication of a key comes by here, so what is here of a key is its newest.
 */
final class RecentHeaders {
  static final long MAX_BYTES = 4 << 20;

  private static final int PLACES = 4096;
  private static final long MAX_ENTRY_BYTES = MAX_BYTES / PLACES;

  private record Entry(Key key, Header header) {}

  private final AtomicReferenceArray<@Nullable Entry> entries = new AtomicReferenceArray<>(PLACES);

  @Nullable Header get(Key key) {
    Entry entry = entries.get(place(key));
    return entry != null && entry.key().equals(key) ? entry.header() : null;
  }

  void published(Key key, Header header) {
    entries.set(
        place(key), estimatedBytes(key, header) <= MAX_ENTRY_BYTES ? new Entry(key, header) : null);
  }

  /** Nothing is known of the key any more. */
  void forget(Key key) {
    Entry entry = entries.get(place(key));
    if (entry != null && entry.key().equals(key)) {
      entries.compareAndSet(place(key), entry, null);
    }
  }

  private static long estimatedBytes(Key key, Header header) {
    return 256 + 2L * key.utf8Length() + 64L * header.version().context().size();
  }

  /** Of all that is here. */
  long estimatedBytes() {
    long bytes = 0;
    for (int i = 0; i < PLACES; i++) {
      Entry entry = entries.get(i);
      bytes += entry == null ? 0 : estimatedBytes(entry.key(), entry.header());
    }
    return bytes;
  }

  private static int place(Key key) {
    int hash = key.hashCode();
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }
}
