package io.metafabric.node;

import io.metafabric.cache.HotEntry;
import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.WasteListener;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.CurrentDots;
import java.util.LinkedHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A hot tier without chance of its own, for simulations: least recently used goes first. */
final class LruTier<V> implements HotTier<V> {
  private final long maxBytes;
  private final CurrentDots index;
  private final Function<MetadataRecord, V> view;
  private final WasteListener wasted;
  private final LinkedHashMap<String, HotEntry<V>> entries = new LinkedHashMap<>(16, 0.75f, true);
  private long sizeBytes;
  private long evictions;
  private long rejected;

  LruTier(
      long maxBytes, CurrentDots index, Function<MetadataRecord, V> view, WasteListener wasted) {
    this.maxBytes = maxBytes;
    this.index = index;
    this.view = view;
    this.wasted = wasted;
  }

  @Override
  public String name() {
    return "hot";
  }

  @Override
  public synchronized @Nullable HotEntry<V> hit(String path) {
    return entries.get(path);
  }

  @Override
  public synchronized @Nullable MetadataRecord get(Key key) {
    HotEntry<V> entry = entries.get(key.path());
    return entry == null ? null : entry.record();
  }

  @Override
  public synchronized @Nullable MetadataRecord peek(Key key) {
    HotEntry<V> entry = entries.get(key.path());
    return entry == null ? null : entry.record();
  }

  @Override
  public @Nullable MetadataRecord peekBehindFills(Key key) {
    return peek(key);
  }

  @Override
  public boolean fill(MetadataRecord record) {
    return put(record, null, false);
  }

  @Override
  public boolean fillPrefetched(MetadataRecord record, String predictor, long untilNanos) {
    return put(record, predictor, false);
  }

  @Override
  public void written(MetadataRecord record) {
    fill(record);
  }

  @Override
  public void refresh(MetadataRecord record) {
    put(record, null, true);
  }

  private synchronized boolean put(
      MetadataRecord record, @Nullable String predictor, boolean onlyIfPresent) {
    var dot = record.header().version().dot();
    String path = record.key().path();
    if (record.payload() == null || !index.isCurrent(record.key(), dot)) {
      rejected++;
      return false;
    }
    boolean present = entries.containsKey(path);
    if (!present && onlyIfPresent) {
      return false;
    }
    var entry = new HotEntry<>(record, view.apply(record), predictor);
    if (entry.weightBytes() > maxBytes / 8) {
      remove(path);
      rejected++;
      return false;
    }
    remove(path);
    entries.put(path, entry);
    sizeBytes += entry.weightBytes();
    while (sizeBytes > maxBytes) {
      remove(entries.keySet().iterator().next());
      evictions++;
    }
    return true;
  }

  private void remove(String path) {
    HotEntry<V> gone = entries.remove(path);
    if (gone != null) {
      sizeBytes -= gone.weightBytes();
      String predictor = gone.predictor();
      if (gone.markRead() && predictor != null) {
        wasted.wasted(predictor, path, gone.record().header().payloadBytes());
      }
    }
  }

  @Override
  public synchronized void drop(Key key) {
    remove(key.path());
  }

  /** Notices every read. */
  @Override
  public void tick() {}

  @Override
  public synchronized long entries() {
    return entries.size();
  }

  @Override
  public synchronized long sizeBytes() {
    return sizeBytes;
  }

  @Override
  public synchronized HotTierStats stats() {
    return new HotTierStats(entries.size(), sizeBytes, maxBytes, evictions, rejected, 0, 0);
  }

  @Override
  public synchronized void close() {
    entries.clear();
    sizeBytes = 0;
  }
}
