package io.metafabric.simulation;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import org.jspecify.annotations.Nullable;

/** One write, from the call on. */
final class Write {
  enum Fate {
    /** The caller has not been told. */
    PENDING,
    ACKNOWLEDGED,
    /** The caller was told that it is not stored. */
    REFUSED,
    /** The process ended, or said that it does not know. */
    UNKNOWN
  }

  final int number;
  final Key key;
  final @Nullable Bytes payload;
  final long expiresAtMs;

  /** What it adds to a counter, or makes of a maximum; 0 if it does not. */
  final long amount;

  Fate fate = Fate.PENDING;
  @Nullable Header header;

  /** It was made before its region's clock showed that, if at all. */
  long madeUntilMs = Long.MAX_VALUE;

  /** A disk that may have been the last that had the payload is gone. */
  boolean payloadMayBeLost;

  Write(int number, Key key, @Nullable Bytes payload, long expiresAtMs, long amount) {
    this.number = number;
    this.key = key;
    this.payload = payload;
    this.expiresAtMs = expiresAtMs;
    this.amount = amount;
  }

  /** Nobody will say what became of it: not for the first time, perhaps. */
  void isUnknown(long nowMs) {
    fate = Fate.UNKNOWN;
    madeUntilMs = Math.min(madeUntilMs, nowMs);
  }

  /** A disk is gone that may have been the last to have it. */
  void mayBeLost(boolean allOfIt, boolean payload) {
    if (allOfIt && fate == Fate.ACKNOWLEDGED) {
      fate = Fate.UNKNOWN;
    }
    payloadMayBeLost |= payload;
  }

  @Override
  public String toString() {
    return "write "
        + number
        + " of "
        + key
        + (payload == null ? " (removal)" : "")
        + ", "
        + fate
        + (header == null ? "" : " as " + header);
  }
}
