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

  /** What it adds to a counter; 0 if it is no addition. */
  final int amount;

  Fate fate = Fate.PENDING;
  @Nullable Header header;

  /** A disk that may have been the last that had the payload is gone. */
  boolean payloadMayBeLost;

  Write(int number, Key key, @Nullable Bytes payload, long expiresAtMs, int amount) {
    this.number = number;
    this.key = key;
    this.payload = payload;
    this.expiresAtMs = expiresAtMs;
    this.amount = amount;
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
