package io.metafabric.core.codec;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads what {@link ByteWriter} wrote, and trusts none of it: every length is checked against what
 * is there and against a bound before anything is allocated. Not thread-safe.
 *
 * <p>Everything that does not fit is a {@link WireFormatException}.
 */
public final class ByteReader {
  private final ByteBuffer in;

  public ByteReader(ByteBuffer in) {
    this.in = in;
  }

  public int remaining() {
    return in.remaining();
  }

  public int u8(String what) {
    need(1, what);
    return in.get() & 0xff;
  }

  public int i32(String what) {
    need(4, what);
    return in.getInt();
  }

  public long i64(String what) {
    need(8, what);
    return in.getLong();
  }

  public long varint(String what) {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int next = u8(what);
      if (shift == 63 && next > 1) {
        break;
      }
      value |= (next & 0x7fL) << shift;
      if (next < 0x80) {
        if (next == 0 && shift > 0) {
          throw new WireFormatException(what + " is a varint with needless bytes");
        }
        return value;
      }
    }
    throw new WireFormatException(what + " is a varint of more than 64 bits");
  }

  /** A varint within [{@code min}, {@code max}]. */
  public int varint(String what, int min, int max) {
    long value = varint(what);
    if (value < min || value > max) {
      throw new WireFormatException(what + " must be " + min + " to " + max + ", was " + value);
    }
    return (int) value;
  }

  public byte[] bytes(int length, String what) {
    need(length, what);
    var bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  /** Reads into what the caller has allocated, and therefore bounded. */
  public void bytes(byte[] into, int offset, int length, String what) {
    need(length, what);
    in.get(into, offset, length);
  }

  public Bytes payload(int length, String what) {
    need(length, what);
    if (in.hasArray()) {
      int at = in.position();
      in.position(at + length);
      return Bytes.copyOf(in.array(), in.arrayOffset() + at, length);
    }
    return Bytes.copyOf(bytes(length, what));
  }

  public String text(String what, int maxBytes) {
    byte[] utf8 = bytes(varint("length of a text", 0, maxBytes), what);
    if (isAscii(utf8)) {
      // Nearly always, and then there is nothing to check.
      return new String(utf8, StandardCharsets.ISO_8859_1);
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw new WireFormatException(what + " is not UTF-8", e);
    }
  }

  private static boolean isAscii(byte[] bytes) {
    for (byte each : bytes) {
      if (each < 0) {
        return false;
      }
    }
    return true;
  }

  /** Fails if anything is left. */
  public void end(String what) {
    if (in.hasRemaining()) {
      throw new WireFormatException(what + " is followed by " + in.remaining() + " more bytes");
    }
  }

  private void need(int length, String what) {
    if (length < 0 || in.remaining() < length) {
      throw new WireFormatException(
          what + " needs " + length + " bytes, but " + in.remaining() + " are left");
    }
  }
}
