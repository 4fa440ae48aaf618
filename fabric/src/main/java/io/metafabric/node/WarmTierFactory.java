package io.metafabric.node;

import io.metafabric.cache.PayloadTier;
import io.metafabric.core.store.RecordStore;

/** Makes a node's warm tier over its store, whose directory is locked. */
@FunctionalInterface
public interface WarmTierFactory {
  PayloadTier create(RecordStore store);
}
