package io.metafabric.cache;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecordStore;
import org.jspecify.annotations.Nullable;

/**
 * The warm tier: the journal, seen through its key index. A fill is a write to the journal; {@code
 * true} means that it is on its way.
 */
public final class JournalTier implements PayloadTier {
  private final RecordStore store;

  /** The caller owns {@code store} and closes it. */
  public JournalTier(RecordStore store) {
    this.store = store;
  }

  @Override
  public String name() {
    return "warm";
  }

  @Override
  public @Nullable MetadataRecord get(Key key) {
    MetadataRecord record = store.read(key);
    return record == null || record.payload() == null ? null : record;
  }

  @Override
  public boolean fill(MetadataRecord record) {
    var kept = store.keep(record);
    return !kept.isDone() || (!kept.isCompletedExceptionally() && kept.join());
  }

  @Override
  public long entries() {
    return store.stats().keys();
  }

  @Override
  public long sizeBytes() {
    return store.stats().journalBytes();
  }

  /** The journal has it already. */
  @Override
  public void written(MetadataRecord record) {}

  @Override
  public WarmTierStats stats() {
    return new WarmTierStats("journal", entries(), sizeBytes(), 0, 0, 0, 0, 0, 0);
  }

  /** Leaves the store open. */
  @Override
  public void close() {}
}
