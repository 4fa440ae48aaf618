package io.metafabric.node;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import java.util.Iterator;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Copies that were in the hot tier alone when a newer version came without its payload: shown, as
 * superseded, if nobody who has the newer one can be reached. Those that came first go first. Holds
 * {@value #MAX_BYTES} bytes at most, by estimate. Thread-safe.
 */
final class SupersededCopies {
  static final long MAX_BYTES = 8 << 20;

  /** An entry of the map, the record and what is in it, without characters and payload. */
  private static final int ENTRY_BYTES = 480;

  // Guarded by this, as is what they take.
  private final LinkedHashMap<Key, MetadataRecord> records = new LinkedHashMap<>();
  private long bytes;

  synchronized void add(MetadataRecord record) {
    remove(record.key());
    records.put(record.key(), record);
    bytes += estimatedBytes(record);
    Iterator<MetadataRecord> eldest = records.values().iterator();
    while (bytes > MAX_BYTES) {
      bytes -= estimatedBytes(eldest.next());
      eldest.remove();
    }
  }

  synchronized @Nullable MetadataRecord get(Key key) {
    return records.get(key);
  }

  synchronized void remove(Key key) {
    MetadataRecord gone = records.remove(key);
    if (gone != null) {
      bytes -= estimatedBytes(gone);
    }
  }

  private static long estimatedBytes(MetadataRecord record) {
    Bytes payload = record.payload();
    return ENTRY_BYTES
        + 2L * record.key().utf8Length()
        + 64L * record.header().version().context().size()
        + (payload == null ? 0 : payload.length());
  }

  synchronized long estimatedBytes() {
    return bytes;
  }
}
