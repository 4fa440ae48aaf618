package io.metafabric.predict;

/**
 * The time of reads, by a wall clock that may be wrong. It does not go back by a little, as reads
 * of one moment may come in any order; where the clock is more than {@value #DISORDER_MS} ms behind
 * it was set right, and time goes on from there. Not thread-safe.
 */
final class ReadTime {
  static final long DISORDER_MS = 60_000;

  private long ms;

  /** What time it is when the clock says this. */
  long at(long wallMs) {
    return wallMs < ms && wallMs >= ms - DISORDER_MS ? ms : wallMs;
  }

  /** It is that time from now on. */
  long advance(long wallMs) {
    ms = at(wallMs);
    return ms;
  }
}
