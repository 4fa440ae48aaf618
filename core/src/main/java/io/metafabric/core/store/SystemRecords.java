package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The newest state of the fabric's own records, in memory: they are few, and needed at once after
 * an opening. A view of the journal. Thread-safe; one thread at a time calls {@link #put}.
 */
final class SystemRecords {
  private static final int MIN_RECORD_BYTES = 16;
  private static final int ENTRY_BYTES = 160;

  private final Map<Key, MetadataRecord> records = new ConcurrentHashMap<>();
  private final AtomicLong bytes = new AtomicLong();

  @Nullable MetadataRecord get(Key key) {
    return records.get(key);
  }

  Collection<MetadataRecord> all() {
    return List.copyOf(records.values());
  }

  /**
   * @param record without a payload, that of the same write stays
   */
  void put(MetadataRecord record) {
    MetadataRecord before = records.get(record.key());
    MetadataRecord now = record;
    if (before != null
        && record.payload() == null
        && before.header().version().dot().equals(record.header().version().dot())) {
      now = before.withHeader(record.header());
    }
    records.put(now.key(), now);
    bytes.addAndGet(estimatedBytes(now) - (before == null ? 0 : estimatedBytes(before)));
  }

  /** Heap, by estimate. */
  long bytes() {
    return bytes.get();
  }

  private static long estimatedBytes(MetadataRecord record) {
    return (long) ENTRY_BYTES + RecordCodec.estimatedBytes(record);
  }

  void describeTo(ByteWriter out) {
    Collection<MetadataRecord> all = all();
    out.varint(all.size());
    all.forEach(record -> RecordCodec.writeRecord(out, record));
  }

  void restore(ByteReader in) {
    int count = in.varint("system records", 0, in.remaining() / MIN_RECORD_BYTES);
    for (int i = 0; i < count; i++) {
      MetadataRecord record = RecordCodec.readRecord(in);
      if (!record.key().isSystem()) {
        throw new WireFormatException("not a record of the fabric's own: " + record.key());
      }
      put(record);
    }
  }
}
