package io.metafabric.cache.chronicle;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What the map holds of a record. The map checks nothing of what it reads, so a value proves
 * itself:
 *
 * <pre>
 * u8  format version
 * i32 CRC32C of the key and of the header
 *     header, as in the journal, with length and CRC32C of the payload
 *     payload
 * </pre>
 */
final class Envelope {
  static final int FORMAT_VERSION = 1;

  private static final int CHECKSUM_AT = 1;
  private static final int HEADER_AT = 5;

  private Envelope() {}

  /**
   * @param record with its payload
   */
  static byte[] seal(byte[] key, MetadataRecord record) {
    Bytes payload = Objects.requireNonNull(record.payload(), "payload");
    var out = new ByteWriter(RecordCodec.estimatedBytes(record));
    out.u8(FORMAT_VERSION).i32(0);
    RecordCodec.writeHeader(out, record.header());
    int payloadAt = out.length();
    byte[] sealed = out.bytes(payload).toArray();
    ByteBuffer.wrap(sealed).putInt(CHECKSUM_AT, checksum(key, sealed, payloadAt));
    return sealed;
  }

  /**
   * Null if the bytes are not what was sealed for this key.
   *
   * @param sealed may be longer than what was sealed
   */
  static @Nullable MetadataRecord open(Key key, byte[] keyBytes, byte[] sealed) {
    if (sealed.length < HEADER_AT || sealed[0] != FORMAT_VERSION) {
      return null;
    }
    var bytes = ByteBuffer.wrap(sealed);
    int checksum = bytes.getInt(CHECKSUM_AT);
    try {
      bytes.position(HEADER_AT);
      Header header = RecordCodec.readHeader(new ByteReader(bytes));
      int payloadAt = bytes.position();
      if (checksum != checksum(keyBytes, sealed, payloadAt)) {
        return null;
      }
      // Whose constructor holds the payload against the header's checksum of it.
      return new MetadataRecord(
          key, header, Bytes.copyOf(sealed, payloadAt, header.payloadBytes()));
    } catch (WireFormatException | IllegalArgumentException | IndexOutOfBoundsException e) {
      return null;
    }
  }

  private static int checksum(byte[] key, byte[] sealed, int payloadAt) {
    var crc = new CRC32C();
    crc.update(key, 0, key.length);
    crc.update(sealed, HEADER_AT, payloadAt - HEADER_AT);
    return (int) crc.getValue();
  }
}
