package io.metafabric.node;

import io.metafabric.core.port.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Keeps the log readable: of what goes wrong again and again, the first is to be said at once, and
 * after that one in each period, with the number of those in between. Thread-safe.
 */
final class Seldom {
  private static final class Said {
    long atNanos;
    long since;
  }

  private final Clock clock;
  private final Duration period;
  private final Map<String, Said> said = new HashMap<>();

  /**
   * @param period how long nothing is said of the same after something was
   */
  Seldom(Clock clock, Duration period) {
    this.clock = clock;
    this.period = period;
  }

  /**
   * It has gone wrong once more.
   *
   * @param about of which there are few
   * @return how many were left out before this one; empty if this one is to be left out too
   */
  synchronized OptionalLong next(String about) {
    long now = clock.nanoTime();
    Said last = said.get(about);
    if (last == null) {
      last = new Said();
      said.put(about, last);
    } else if (now - last.atNanos < period.toNanos()) {
      last.since++;
      return OptionalLong.empty();
    }
    long leftOut = last.since;
    last.atNanos = now;
    last.since = 0;
    return OptionalLong.of(leftOut);
  }
}
