package io.metafabric.core.journal;

/**
 * Where a frame is, in 63 bits: 18 for the segment's number, 13 for the frame's length, 32 for its
 * offset. Never 0.
 *
 * <p>Lengths below 512 bytes are exact, others are rounded up to nine significant bits: at most 0.4
 * % more.
 */
final class FramePlace {
  static final int MAX_SEGMENTS = 1 << 18;

  private static final int OFFSET_BITS = 32;
  private static final int LENGTH_BITS = 13;
  private static final int EXACT = 512;
  private static final int MANTISSA_BITS = 8;

  private FramePlace() {}

  static long of(int segment, long offset, int lengthBytes) {
    if (offset >>> OFFSET_BITS != 0) {
      throw new IllegalArgumentException("a segment of " + offset + " bytes is too long");
    }
    return (long) segment << (LENGTH_BITS + OFFSET_BITS)
        | (long) lengthCode(lengthBytes) << OFFSET_BITS
        | offset;
  }

  static int segment(long place) {
    return (int) (place >>> (LENGTH_BITS + OFFSET_BITS));
  }

  static long offset(long place) {
    return place & 0xffffffffL;
  }

  /** The frame's length or a little more. */
  static int maxLengthBytes(long place) {
    int code = (int) (place >>> OFFSET_BITS) & ((1 << LENGTH_BITS) - 1);
    if (code < EXACT) {
      return code;
    }
    int shift = (code >> MANTISSA_BITS) - 1;
    return (code - (shift << MANTISSA_BITS)) << shift;
  }

  static int lengthCode(int lengthBytes) {
    if (lengthBytes < EXACT) {
      return lengthBytes;
    }
    int shift = Integer.SIZE - Integer.numberOfLeadingZeros(lengthBytes) - MANTISSA_BITS - 1;
    int mantissa = (lengthBytes + (1 << shift) - 1) >>> shift;
    // A mantissa that was rounded up to 512 is 256 of the next power: the code is the same.
    return (shift << MANTISSA_BITS) + mantissa;
  }
}
