package io.metafabric.core.place;

import io.metafabric.core.record.Key;

/** Which regions answer for a key. Thread-safe; all regions give the same answer. */
@FunctionalInterface
public interface HomeLookup {
  Homes homesOf(Key key);
}
