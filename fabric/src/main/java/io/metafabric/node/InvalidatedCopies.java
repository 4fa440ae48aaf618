package io.metafabric.node;

import io.metafabric.core.record.Key;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Keys whose copy was invalidated a short while ago: the new payload may be on its way from the
 * home and is welcome. Bounded; forgetting one costs a fetch. Thread-safe.
 */
final class InvalidatedCopies {
  private static final int MAX_KEYS = 10_000;

  private final Map<Key, Boolean> keys =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Boolean> eldest) {
          return size() > MAX_KEYS;
        }
      };

  synchronized void add(Key key) {
    keys.put(key, true);
  }

  synchronized boolean contains(Key key) {
    return keys.containsKey(key);
  }

  synchronized void remove(Key key) {
    keys.remove(key);
  }
}
