package io.metafabric.cache;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * A value that the hot tier holds of one key; the next value is another entry. Thread-safe.
 *
 * <p>A hit touches this object and nothing behind it, and the view's type is one that a caller need
 * not check.
 */
public final class HotEntry<V> {
  /**
   * Bytes of an entry beside key and payload, on a 64-bit JVM with compressed references: the map's
   * node and table slot 40, the key's place 48, this entry 32, its share of sketch and ghosts 40,
   * the view 40, record, header, version, dot, actor, stamp and vector 224, key and string headers
   * 72, array headers 32.
   */
  static final int OVERHEAD_BYTES = 528;

  private static final int UNREAD = 1;
  private static final int EXPIRES = 2;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<HotEntry> STATE =
      AtomicIntegerFieldUpdater.newUpdater(HotEntry.class, "state");

  private final MetadataRecord record;
  private final Optional<V> view;
  private final @Nullable String predictor;
  private final int dotHash;
  private volatile int state;

  /**
   * @param predictor who had it prefetched; null if a reader asked for it
   */
  public HotEntry(MetadataRecord record, V view, @Nullable String predictor) {
    this.record = record;
    this.view = Optional.of(view);
    this.predictor = predictor;
    this.dotHash = record.header().version().dot().hashCode();
    this.state =
        (predictor == null ? 0 : UNREAD)
            | (record.header().expiresAtMs() == Header.NEVER ? 0 : EXPIRES);
  }

  /** Never empty. */
  public Optional<V> view() {
    return view;
  }

  public MetadataRecord record() {
    return record;
  }

  /**
   * Whether it is of that write; of another one it is mostly told without looking at the record.
   */
  boolean isOf(Dot dot) {
    return dotHash == dot.hashCode() && record.header().version().dot().equals(dot);
  }

  /** Epoch milliseconds, or {@link Header#NEVER}. */
  public long expiresAtMs() {
    return (state & EXPIRES) == 0 ? Header.NEVER : record.header().expiresAtMs();
  }

  public @Nullable String predictor() {
    return predictor;
  }

  /** True once: on the first read of an entry that had been prefetched. */
  public boolean markRead() {
    int now = state;
    return (now & UNREAD) != 0 && STATE.compareAndSet(this, now, now & ~UNREAD);
  }

  /** Whether it was prefetched and nobody has read it. */
  public boolean isUnread() {
    return (state & UNREAD) != 0;
  }

  public int weightBytes() {
    Bytes payload = record.payload();
    int payloadBytes = payload == null ? 0 : payload.length();
    return OVERHEAD_BYTES + record.key().path().length() + payloadBytes;
  }
}
