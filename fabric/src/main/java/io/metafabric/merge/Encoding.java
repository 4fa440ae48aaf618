package io.metafabric.merge;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The beginning of every value here: format and kind. There is one form of each value, so that
 * equal values have equal bytes.
 */
final class Encoding {
  static final int FIELDS = 1;
  static final int SET = 2;
  static final int COUNTER = 3;
  static final int MAX = 4;

  /** Of a writer's or a field's name. */
  static final int MAX_NAME_BYTES = 255;

  private static final int FORMAT = 1;

  private Encoding() {}

  static ByteWriter begin(int kind) {
    return new ByteWriter(64).u8(FORMAT).u8(kind);
  }

  static ByteReader open(Bytes bytes, int kind, String what) {
    var in = new ByteReader(ByteBuffer.wrap(bytes.toArray()));
    int format = in.u8("format of " + what);
    if (format != FORMAT) {
      throw new WireFormatException(what + " has format " + format + ", known is " + FORMAT);
    }
    int is = in.u8("kind of " + what);
    if (is != kind) {
      throw new WireFormatException("this is not " + what + ", but of kind " + is);
    }
    return in;
  }

  static Bytes end(ByteWriter out) {
    return Bytes.copyOf(out.toArray());
  }

  /** The next name, which must be behind {@code last}; null is before all. */
  static String nextName(ByteReader in, @Nullable String last) {
    String name = in.text("name", MAX_NAME_BYTES);
    if (name.isEmpty() || (last != null && last.compareTo(name) >= 0)) {
      throw new WireFormatException("the name \"" + name + "\" is empty or out of order");
    }
    return name;
  }

  static String requireName(String name, String what) {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    if (name.isEmpty()
        || utf8.length > MAX_NAME_BYTES
        || !new String(utf8, StandardCharsets.UTF_8).equals(name)) {
      throw new IllegalArgumentException(
          what + " must have 1 to " + MAX_NAME_BYTES + " bytes of UTF-8: \"" + name + "\"");
    }
    return name;
  }

  static long counter(ByteReader in, String what) {
    long value = in.varint(what);
    if (value < 0) {
      throw new WireFormatException(what + " must be >= 0, was " + value);
    }
    return value;
  }
}
