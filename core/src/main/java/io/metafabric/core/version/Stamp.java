package io.metafabric.core.version;

/**
 * A hybrid logical time, packed in 64 bits: 48 bits of epoch milliseconds, 16 bits of a counter.
 *
 * <p>It orders concurrent versions only; causality is the dots' and contexts' business.
 *
 * @see <a href="https://cse.buffalo.edu/tech-reports/2014-04.pdf">Kulkarni et al., Logical Physical
 *     Clocks, 2014</a>
 */
public record Stamp(long packed) implements Comparable<Stamp> {
  static final int LOGICAL_BITS = 16;
  static final long MAX_WALL_MS = (1L << (63 - LOGICAL_BITS)) - 1;

  public Stamp {
    if (packed < 0) {
      throw new IllegalArgumentException("a stamp must be >= 0, was " + packed);
    }
  }

  static Stamp ofWallMs(long wallMs) {
    return new Stamp(Math.max(0, Math.min(wallMs, MAX_WALL_MS)) << LOGICAL_BITS);
  }

  /** Epoch milliseconds. */
  public long wallMs() {
    return packed >>> LOGICAL_BITS;
  }

  public int logical() {
    return (int) (packed & ((1 << LOGICAL_BITS) - 1));
  }

  /** The least that is later. */
  public Stamp next() {
    return new Stamp(packed + 1);
  }

  @Override
  public int compareTo(Stamp that) {
    return Long.compare(packed, that.packed);
  }

  @Override
  public String toString() {
    return wallMs() + "." + logical();
  }
}
