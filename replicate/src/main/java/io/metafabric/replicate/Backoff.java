package io.metafabric.replicate;

import io.metafabric.core.error.ConfigurationException;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** Exponential backoff with full jitter. Pure: the caller owns the clock and the randomness. */
public record Backoff(Duration first, Duration max) {
  public Backoff {
    if (first.toMillis() < 1) {
      throw new ConfigurationException("first backoff must be >= 1 ms, was " + first);
    }
    if (max.compareTo(first) < 0) {
      throw new ConfigurationException(
          "max backoff " + max + " is shorter than first " + first + "; raise max or lower first");
    }
  }

  /**
   * @param attempt counts from 0
   */
  public Duration before(int attempt, RandomGenerator random) {
    long ceilingMs = first.toMillis();
    for (int i = 0; i < attempt && ceilingMs < max.toMillis(); i++) {
      ceilingMs *= 2;
    }
    return Duration.ofMillis(random.nextLong(Math.min(ceilingMs, max.toMillis()) + 1));
  }
}
