package io.metafabric.benchmarks.replay;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

/**
 * Caffeine as it should be measured: maintenance on the caller's thread, since it outgrows its
 * bound otherwise, and with its capacity known, since its sketch starts late otherwise.
 */
final class CaffeinePolicy implements ReplayPolicy {
  private final Trace trace;
  private final Cache<Integer, Boolean> cache;

  CaffeinePolicy(Trace trace, int capacity) {
    this.trace = trace;
    this.cache =
        Caffeine.newBuilder()
            .executor(Runnable::run)
            .initialCapacity(capacity)
            .maximumSize(capacity)
            .build();
  }

  @Override
  public boolean request(int row, long nowMs) {
    return cache.getIfPresent(trace.key()[row]) != null;
  }

  @Override
  public boolean holds(int key) {
    return cache.policy().getIfPresentQuietly(key) != null;
  }

  @Override
  public void arrived(int row) {
    cache.put(trace.key()[row], true);
  }

  @Override
  public void outdated(int key) {
    cache.invalidate(key);
  }
}
