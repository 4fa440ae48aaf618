package io.metafabric.node;

import io.metafabric.cache.HotTier;
import io.metafabric.cache.WasteListener;
import io.metafabric.core.store.CurrentDots;

/** Makes a node's hot tier; the simulation's is a plain LRU list. */
@FunctionalInterface
public interface HotTierFactory<V> {
  HotTier<V> create(CurrentDots index, WasteListener wasted);
}
