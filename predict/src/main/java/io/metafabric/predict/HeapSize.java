package io.metafabric.predict;

/** Estimates of heap, in bytes, for a 64-bit VM with compressed references. */
final class HeapSize {
  private static final int STRING_BYTES = 24;
  private static final int ARRAY_HEADER_BYTES = 16;

  private HeapSize() {}

  /** A string and its characters. */
  static int of(String text) {
    int bytesPerChar = 1;
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > 0xff) {
        bytesPerChar = 2;
        break;
      }
    }
    return STRING_BYTES + roundUp(ARRAY_HEADER_BYTES + bytesPerChar * text.length());
  }

  /** An upper bound of {@link #of} that does not look at the characters. */
  static int atMost(String text) {
    return STRING_BYTES + roundUp(ARRAY_HEADER_BYTES + 2 * text.length());
  }

  private static int roundUp(int bytes) {
    return (bytes + 7) & ~7;
  }
}
