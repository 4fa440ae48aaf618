package io.metafabric.core.store;

import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;
import org.jspecify.annotations.Nullable;

/** The index, as tiers see it: which write is each key's newest published one. Thread-safe. */
@FunctionalInterface
public interface CurrentDots {
  /** Null if nothing is known of the key. */
  @Nullable Dot currentDot(Key key);
}
