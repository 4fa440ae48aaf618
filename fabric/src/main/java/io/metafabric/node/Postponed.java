package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Keys of which something could not be done, and when it is to be tried again: twice as long after
 * each failure as after the one before, up to a bound. Not thread-safe.
 */
final class Postponed {
  private record Wait(int failures, long untilNanos, boolean isWaiting) {}

  private final Clock clock;
  private final Duration first;
  private final int maxDoublings;
  private final int maxKeys;
  private final Map<Key, Wait> waits = new LinkedHashMap<>();

  Postponed(Clock clock, Duration first, int maxDoublings, int maxKeys) {
    this.clock = clock;
    this.first = first;
    this.maxDoublings = maxDoublings;
    this.maxKeys = maxKeys;
  }

  /** Returns false if there are too many already: it is not tried again then. */
  boolean failed(Key key) {
    Wait before = waits.remove(key);
    if (before == null && waits.size() >= maxKeys) {
      return false;
    }
    int failures = before == null ? 0 : before.failures;
    long pause = first.toNanos() << Math.min(failures, maxDoublings);
    waits.put(key, new Wait(failures + 1, clock.nanoTime() + pause, true));
    return true;
  }

  /** It was done, or need not be. */
  void done(Key key) {
    waits.remove(key);
  }

  /** Whether it is to be tried later, not now. */
  boolean isWaiting(Key key) {
    Wait wait = waits.get(key);
    return wait != null && wait.isWaiting;
  }

  /** Whether any is. */
  boolean isAnyWaiting() {
    return waits.values().stream().anyMatch(Wait::isWaiting);
  }

  /** Those whose time has come; each is told of once, and its failure or its end is awaited. */
  List<Key> takeDue() {
    long now = clock.nanoTime();
    var due = new ArrayList<Key>();
    waits.replaceAll(
        (key, wait) -> {
          if (!wait.isWaiting || wait.untilNanos > now) {
            return wait;
          }
          due.add(key);
          return new Wait(wait.failures, wait.untilNanos, false);
        });
    return due;
  }
}
