package io.metafabric.cache;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import org.jspecify.annotations.Nullable;

/**
 * The tier in memory. Thread-safe.
 *
 * @param <V> what readers are handed, made once when a record is taken in, so that a hit allocates
 *     nothing
 */
public interface HotTier<V> extends Tier {
  /** The hot path: counts as an access, allocates nothing. */
  @Nullable HotEntry<V> hit(String path);

  /** Looks without counting an access. */
  @Nullable MetadataRecord peek(Key key);

  /**
   * The same for whoever has published a newer one: who takes an older one in just now is waited
   * for, and who comes later is refused.
   */
  @Nullable MetadataRecord peekBehindFills(Key key);

  /**
   * Takes a record in that nobody has asked for yet.
   *
   * @param untilNanos of the node's clock: who is unread then is the first to go
   */
  boolean fillPrefetched(MetadataRecord record, String predictor, long untilNanos);

  /**
   * A record was written, and can be read without this tier: taken in if it is likely to be read.
   * That is no read itself.
   */
  void written(MetadataRecord record);

  /** Replaces the payload of a key that is here, and only then. */
  void refresh(MetadataRecord record);

  /** Forgets a key. */
  void drop(Key key);

  /** Is called at intervals of some milliseconds: the tier looks at what reads have left for it. */
  void tick();

  HotTierStats stats();
}
