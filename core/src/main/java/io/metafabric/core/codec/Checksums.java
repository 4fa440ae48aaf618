package io.metafabric.core.codec;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC32C (RFC 3720, appendix B.4). */
public final class Checksums {
  private Checksums() {}

  public static int crc32c(byte[] array, int offset, int length) {
    var crc = new CRC32C();
    crc.update(array, offset, length);
    return (int) crc.getValue();
  }

  /** Of {@code length} bytes from {@code at} on; position and limit do not matter, and stay. */
  public static int crc32c(ByteBuffer buffer, int at, int length) {
    if (buffer.hasArray()) {
      return crc32c(buffer.array(), buffer.arrayOffset() + at, length);
    }
    return crc32c(buffer.duplicate().clear().position(at).limit(at + length));
  }

  /** Of what remains in {@code buffer}, whose position stays. */
  public static int crc32c(ByteBuffer buffer) {
    if (buffer.hasArray()) {
      return crc32c(buffer.array(), buffer.arrayOffset() + buffer.position(), buffer.remaining());
    }
    var crc = new CRC32C();
    crc.update(buffer.duplicate());
    return (int) crc.getValue();
  }
}
