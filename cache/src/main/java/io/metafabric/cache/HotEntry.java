package io.metafabric.cache;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.MetadataRecord;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/** What the hot tier holds of one key. Thread-safe. */
public final class HotEntry<V> {
  /**
   * Bytes of an entry beside key and payload, on a 64-bit JVM with compressed references:
   * Caffeine's node and table slot 96, this entry 32, the view 40, record, header, version, dot,
   * actor, stamp and vector 224, key and string headers 72, array headers 32.
   */
  static final int OVERHEAD_BYTES = 496;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<HotEntry> UNREAD =
      AtomicIntegerFieldUpdater.newUpdater(HotEntry.class, "unread");

  private final MetadataRecord record;
  private final V view;
  private final long expiresAtMs;
  private final @Nullable String predictor;
  private volatile int unread;

  /**
   * @param predictor who had it prefetched; null if a reader asked for it
   */
  public HotEntry(MetadataRecord record, V view, @Nullable String predictor) {
    this.record = record;
    this.view = view;
    this.expiresAtMs = record.header().expiresAtMs();
    this.predictor = predictor;
    this.unread = predictor == null ? 0 : 1;
  }

  public V view() {
    return view;
  }

  public MetadataRecord record() {
    return record;
  }

  public long expiresAtMs() {
    return expiresAtMs;
  }

  public @Nullable String predictor() {
    return predictor;
  }

  /** True once: on the first read of an entry that had been prefetched. */
  public boolean markRead() {
    return unread != 0 && UNREAD.compareAndSet(this, 1, 0);
  }

  /** Whether it was prefetched and nobody has read it. */
  public boolean isUnread() {
    return unread != 0;
  }

  public int weightBytes() {
    Bytes payload = record.payload();
    int payloadBytes = payload == null ? 0 : payload.length();
    return OVERHEAD_BYTES + record.key().path().length() + payloadBytes;
  }
}
