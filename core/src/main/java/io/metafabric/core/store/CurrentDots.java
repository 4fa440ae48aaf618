package io.metafabric.core.store;

import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;

/** The index, as tiers see it: which write is each key's newest published one. Thread-safe. */
@FunctionalInterface
public interface CurrentDots {
  /** Whether {@code dot} is the key's newest published write. */
  boolean isCurrent(Key key, Dot dot);
}
