package io.metafabric.cache.caffeine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.metafabric.cache.HotEntry;
import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.WasteListener;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.CurrentDots;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The hot tier on Caffeine, weighed in bytes. Thread-safe.
 *
 * <p>Whether a record is current is checked within the map's update of that key. The publisher
 * updates the index first and this tier second, so of a slow fill and a publication that race, the
 * later of the two updates here always sees the newer index.
 *
 * <p>To note a read costs Caffeine more than the read: it moves the entry in its queues. So the
 * reads of one entry within one span of time are noted once. A span ends with each tick, and when a
 * sixteenth of the tier has been filled anew, so that no entry is let go for want of a note.
 */
public final class CaffeineTier<V> implements HotTier<V> {
  /** An entry of more than this share of the tier would push too many others out. */
  private static final int MAX_SHARE = 8;

  private static final int TYPICAL_ENTRY_BYTES = 1024;
  private static final int MAX_INITIAL_CAPACITY = 1 << 16;
  private static final int SPANS_PER_TURNOVER = 16;

  private final long maxBytes;
  private final CurrentDots index;
  private final Function<MetadataRecord, V> view;
  private final WasteListener wasted;
  private final Cache<String, HotEntry<V>> cache;
  private final Policy<String, HotEntry<V>> quiet;
  private final AtomicInteger span = new AtomicInteger(1);
  private final AtomicInteger fills = new AtomicInteger();
  private final int fillsPerSpan;
  private final LongAdder evictions = new LongAdder();
  private final LongAdder rejected = new LongAdder();

  /**
   * @param view makes what readers are handed
   */
  public CaffeineTier(
      long maxBytes, CurrentDots index, Function<MetadataRecord, V> view, WasteListener wasted) {
    this.maxBytes = maxBytes;
    this.index = index;
    this.view = view;
    this.wasted = wasted;
    // Maintenance on the caller's thread: the default executor lets the tier outgrow its bound and
    // keeps threads. Without a capacity the frequency sketch starts too late.
    this.cache =
        Caffeine.newBuilder()
            .executor(Runnable::run)
            .initialCapacity(
                (int) Math.min(MAX_INITIAL_CAPACITY, maxBytes / TYPICAL_ENTRY_BYTES + 16))
            .maximumWeight(maxBytes)
            .weigher((String path, HotEntry<V> entry) -> entry.weightBytes())
            .removalListener(this::removed)
            .build();
    this.quiet = cache.policy();
    this.fillsPerSpan =
        (int) Math.min(1 << 20, maxBytes / TYPICAL_ENTRY_BYTES / SPANS_PER_TURNOVER + 1);
  }

  private void removed(@Nullable String path, @Nullable HotEntry<V> entry, RemovalCause cause) {
    if (cause.wasEvicted()) {
      evictions.increment();
    }
    // Claimed like a read, so that an entry is never counted both as used and as wasted.
    if (path != null && entry != null && entry.markRead()) {
      String predictor = entry.predictor();
      if (predictor != null) {
        wasted.wasted(predictor, path, entry.record().header().payloadBytes());
      }
    }
  }

  @Override
  public String name() {
    return "hot";
  }

  @Override
  public @Nullable HotEntry<V> hit(String path) {
    HotEntry<V> entry = quiet.getIfPresentQuietly(path);
    return entry != null && entry.isFirstIn(span.get()) ? cache.getIfPresent(path) : entry;
  }

  @Override
  public void tick() {
    span.incrementAndGet();
  }

  @Override
  public @Nullable MetadataRecord get(Key key) {
    HotEntry<V> entry = cache.getIfPresent(key.path());
    return entry == null ? null : entry.record();
  }

  @Override
  public @Nullable MetadataRecord peek(Key key) {
    HotEntry<V> entry = cache.policy().getIfPresentQuietly(key.path());
    return entry == null ? null : entry.record();
  }

  @Override
  public boolean fill(MetadataRecord record) {
    return put(record, null, false);
  }

  @Override
  public boolean fillPrefetched(MetadataRecord record, String predictor) {
    return put(record, predictor, false);
  }

  @Override
  public void refresh(MetadataRecord record) {
    put(record, null, true);
  }

  private boolean put(MetadataRecord record, @Nullable String predictor, boolean onlyIfPresent) {
    if (record.payload() == null) {
      rejected.increment();
      return false;
    }
    var entry = new HotEntry<>(record, view.apply(record), predictor);
    boolean fits = entry.weightBytes() <= maxBytes / MAX_SHARE;
    var dot = record.header().version().dot();
    HotEntry<V> after =
        cache
            .asMap()
            .compute(
                record.key().path(),
                (path, before) -> {
                  if (!index.isCurrent(record.key(), dot) || (before == null && onlyIfPresent)) {
                    return before;
                  }
                  // A value of the origin has one dot for ever, and a new expiry at each load.
                  if (before != null
                      && before.record().header().version().dot().equals(dot)
                      && before.expiresAtMs() == entry.expiresAtMs()) {
                    return before;
                  }
                  return fits ? entry : null;
                });
    if (after == entry && fills.incrementAndGet() % fillsPerSpan == 0) {
      span.incrementAndGet();
    }
    boolean taken = after != null && after.record().header().version().dot().equals(dot);
    if (!taken && !onlyIfPresent) {
      rejected.increment();
    }
    return taken;
  }

  @Override
  public void drop(Key key) {
    cache.invalidate(key.path());
  }

  @Override
  public long entries() {
    return cache.estimatedSize();
  }

  @Override
  public long sizeBytes() {
    return cache.policy().eviction().orElseThrow().weightedSize().orElse(0);
  }

  @Override
  public HotTierStats stats() {
    return new HotTierStats(entries(), sizeBytes(), maxBytes, evictions.sum(), rejected.sum());
  }

  @Override
  public void close() {
    cache.invalidateAll();
    cache.cleanUp();
  }
}
