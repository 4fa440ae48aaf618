package io.metafabric.benchmarks.replay;

import io.metafabric.core.port.Clock;

/** The latest time of a trace that was replayed. Not thread-safe. */
final class VirtualClock implements Clock {
  /** Of later times nanoseconds are no long. */
  private static final long MOST_MS = Long.MAX_VALUE / 2_000_000;

  private long wallMs;

  /** Traces may step back; a clock that never does stands still meanwhile. */
  void at(long nowMs) {
    wallMs = Math.max(wallMs, Math.min(MOST_MS, nowMs));
  }

  @Override
  public long wallMs() {
    return wallMs;
  }

  @Override
  public long nanoTime() {
    return wallMs * 1_000_000;
  }
}
