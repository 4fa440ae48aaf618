package io.metafabric.core.version;

import io.metafabric.core.port.Clock;

/**
 * Issues stamps that are later than every stamp issued or observed before, and near the wall clock.
 * Not thread-safe: its owner serialises the calls.
 *
 * @see Stamp
 */
public final class HybridClock {
  private final Clock clock;
  private long last;

  public HybridClock(Clock clock) {
    this.clock = clock;
  }

  /**
   * The next stamp. A wall clock that stands still or goes back makes the counter go on; a counter
   * that overflows runs into the milliseconds, so the order is kept either way. Behind the last
   * stamp there is, which only a broken peer can have sent, there is only that one again: writes go
   * on, and their dots tell them apart.
   */
  public Stamp next() {
    last =
        Math.max(last == Long.MAX_VALUE ? last : last + 1, Stamp.ofWallMs(clock.wallMs()).packed());
    return new Stamp(last);
  }

  /** The newest that was issued or observed. */
  public Stamp newest() {
    return new Stamp(last);
  }

  /** Makes every later stamp later than {@code seen}. */
  public void observe(Stamp seen) {
    last = Math.max(last, seen.packed());
  }
}
