package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;

/** A token bucket: bytes a second, and a burst of one second's worth. Not thread-safe. */
final class CopyBudget {
  private static final double NANOS_PER_SECOND = 1e9;

  private final double bytesPerSecond;
  private double tokens;
  private long lastNanos;

  CopyBudget(long bytesPerSecond, long nowNanos) {
    if (bytesPerSecond < 1) {
      throw new ConfigurationException("a budget must be at least 1 byte/s: " + bytesPerSecond);
    }
    this.bytesPerSecond = bytesPerSecond;
    this.tokens = bytesPerSecond;
    this.lastNanos = nowNanos;
  }

  boolean take(long bytes, long nowNanos) {
    if (nowNanos > lastNanos) {
      double earned = (nowNanos - lastNanos) / NANOS_PER_SECOND * bytesPerSecond;
      tokens = Math.min(bytesPerSecond, tokens + earned);
      lastNanos = nowNanos;
    }
    if (tokens < bytes) {
      return false;
    }
    tokens -= bytes;
    return true;
  }
}
