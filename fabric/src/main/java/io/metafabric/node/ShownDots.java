package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.CurrentDots;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;

/**
 * Which writes the hot tier may show. A value of the origin has the version NONE, which is current
 * for as long as nothing is known; one that has to be merged with others is not what readers are to
 * see. Thread-safe.
 */
final class ShownDots implements CurrentDots {
  private final RecordStore store;

  ShownDots(RecordStore store) {
    this.store = store;
  }

  @Override
  public boolean isCurrent(Key key, Dot dot) {
    return dot.equals(Version.NONE.dot())
        ? store.header(key) == null
        : store.isCurrent(key, dot)
            && (!store.conflictRules().of(key).mergesEverywhere() || isAlone(key));
  }

  private boolean isAlone(Key key) {
    try {
      MetadataRecord known = store.read(key);
      return known != null && !known.hasSiblings();
    } catch (StorageException e) {
      // Whoever reads it is told.
      return false;
    }
  }
}
