package io.metafabric.core.index;

import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.record.Header;

/**
 * What the two words of the index's slots say. The first is the place of a frame, the second the
 * word of a dot, see {@link DotWords}; what bits they leave are flags.
 */
final class SlotWords {
  /** In a slot's second word: this is where the payload is, and another slot has the header. */
  static final long PAYLOAD_ONLY = Long.MIN_VALUE;

  /** In the first word of a slot that has a payload only: it is an older write's. */
  static final long SUPERSEDED = Long.MIN_VALUE;

  /** In a slot's first word: the frame has the payload too. */
  static final long HAS_PAYLOAD = Long.MIN_VALUE;

  /** In a slot's second word: the record has an expiry. */
  private static final long EXPIRES = 1L << 62;

  /** In a slot's second word: the record is a tombstone. */
  private static final long TOMBSTONE = 1L << 61;

  static final long MORTAL = EXPIRES | TOMBSTONE;

  private static final long FLAG = Long.MIN_VALUE;

  private SlotWords() {}

  static boolean isHeader(long second) {
    return (second & PAYLOAD_ONLY) == 0;
  }

  static boolean isMortal(long second) {
    return (second & MORTAL) != 0;
  }

  static boolean isTombstone(long second) {
    return (second & TOMBSTONE) != 0;
  }

  static long dotOf(long second) {
    return second & ~(PAYLOAD_ONLY | MORTAL);
  }

  static long flagsOf(Header header) {
    long expires = header.expiresAtMs() == Header.NEVER ? 0 : EXPIRES;
    return header.isTombstone() ? expires | TOMBSTONE : expires;
  }

  /** Of a slot that has a header. */
  static boolean hasPayload(long first) {
    return (first & HAS_PAYLOAD) != 0;
  }

  /** Of a slot that has a payload only. */
  static boolean isSuperseded(long first) {
    return (first & SUPERSEDED) != 0;
  }

  static long placeOf(long first) {
    return first & ~FLAG;
  }

  /** The same slot's first word once its frame is elsewhere. */
  static long movedTo(long place, long first) {
    return place | (first & FLAG);
  }

  static int lengthOf(long first) {
    return FrameTable.maxLengthBytes(placeOf(first));
  }
}
