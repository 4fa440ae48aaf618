package io.metafabric.core.record;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.zip.CRC32C;

/** An immutable byte string: copies at the border, so that equality and checksums stay true. */
public final class Bytes {
  public static final Bytes EMPTY = new Bytes(new byte[0]);

  private final byte[] array;

  // 0 until somebody asks, like the hash of a String: computed again by whoever finds that.
  private int crc32c;

  private Bytes(byte[] array) {
    this.array = array;
  }

  public static Bytes copyOf(byte[] array) {
    return array.length == 0 ? EMPTY : new Bytes(array.clone());
  }

  /**
   * Copies {@code length} bytes of {@code array} from {@code offset} on.
   *
   * @throws IndexOutOfBoundsException if they are not all there
   */
  public static Bytes copyOf(byte[] array, int offset, int length) {
    // copyOfRange would fill up with zeros what is not there.
    Objects.checkFromIndexSize(offset, length, array.length);
    return length == 0 ? EMPTY : new Bytes(Arrays.copyOfRange(array, offset, offset + length));
  }

  public static Bytes utf8(String text) {
    return new Bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  public int length() {
    return array.length;
  }

  public byte[] toArray() {
    return array.clone();
  }

  /** A read-only view; nothing is copied. */
  public ByteBuffer asBuffer() {
    return ByteBuffer.wrap(array).asReadOnlyBuffer();
  }

  /** Copies all bytes into {@code target} at its position. */
  public void putInto(ByteBuffer target) {
    target.put(array);
  }

  /** CRC32C (RFC 3720, appendix B.4) of all bytes. */
  public int crc32c() {
    int known = crc32c;
    if (known == 0) {
      var crc = new CRC32C();
      crc.update(array, 0, array.length);
      known = (int) crc.getValue();
      crc32c = known;
    }
    return known;
  }

  public String toUtf8() {
    return new String(array, StandardCharsets.UTF_8);
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof Bytes bytes && Arrays.equals(array, bytes.array);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(array);
  }

  @Override
  public String toString() {
    return array.length + " bytes";
  }
}
