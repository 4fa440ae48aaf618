package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;

/**
 * A write of a key, on its way to a region that need not hold the payload. Immutable.
 *
 * @param dot the write
 * @param terms of its payload there
 * @param linkPressure 1 when the link is idle, more when it is busy
 * @param held what the region has, or had, of the key, as far as is known here
 */
public record CopyWrite(Key key, Dot dot, CopyTerms terms, double linkPressure, Held held) {
  /** What a region has that need not have it. */
  public enum Held {
    NOTHING,
    COPY,
    /** Made on a read or a prediction; what it stores is paid where it is. */
    SHADOW,
    /** Somebody asked for it by name: it is sent every update that can be paid. */
    PROMISED_SHADOW
  }

  boolean holds() {
    return held != Held.NOTHING;
  }

  boolean isShadow() {
    return held == Held.SHADOW || isPromised();
  }

  boolean isPromised() {
    return held == Held.PROMISED_SHADOW;
  }
}
