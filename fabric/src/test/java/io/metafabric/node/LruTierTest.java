package io.metafabric.node;

import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierContract;
import io.metafabric.cache.WasteListener;
import io.metafabric.core.store.CurrentDots;

class LruTierTest extends HotTierContract {
  @Override
  protected HotTier<String> newTier(long maxBytes, CurrentDots index, WasteListener wasted) {
    return new LruTier<>(maxBytes, index, record -> "view of " + record.key(), wasted);
  }
}
