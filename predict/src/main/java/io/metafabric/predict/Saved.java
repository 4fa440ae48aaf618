package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;

/** Arrays in what is saved, read back into arrays whose length the reader knows. */
final class Saved {
  private Saved() {}

  static void ints(ByteWriter out, int[] values) {
    for (int value : values) {
      out.i32(value);
    }
  }

  static void ints(ByteReader in, int[] into, String what) {
    for (int i = 0; i < into.length; i++) {
      into[i] = in.i32(what);
    }
  }

  static void number(ByteWriter out, double value) {
    out.i64(Double.doubleToLongBits(value));
  }

  /** A number within [{@code min}, {@code max}]. */
  static double number(ByteReader in, String what, double min, double max) {
    double value = Double.longBitsToDouble(in.i64(what));
    if (!(value >= min && value <= max)) {
      throw new WireFormatException(what + " must be " + min + " to " + max + ", was " + value);
    }
    return value;
  }

  /**
   * Fails unless {@code bytes}, which the reader is about to allocate, are within {@code maxBytes}.
   */
  static void requireWithin(long bytes, long maxBytes, String what) {
    if (bytes < 0 || bytes > maxBytes) {
      throw new WireFormatException(
          what + " would take " + bytes + " bytes, more than " + maxBytes);
    }
  }
}
