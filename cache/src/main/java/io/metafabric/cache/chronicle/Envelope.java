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
 * i32 CRC32C of the key and of all that follows
 *     header, as in the journal
 *     payload, to the end
 * </pre>
 */
final class Envelope {
  static final int FORMAT_VERSION = 1;

  private static final int CHECKSUM_AT = 1;
  private static final int BODY_AT = 5;

  private Envelope() {}

  /**
   * @param record with its payload
   */
  static byte[] seal(byte[] key, MetadataRecord record) {
    Bytes payload = Objects.requireNonNull(record.payload(), "payload");
    var out = new ByteWriter(RecordCodec.estimatedBytes(record));
    out.u8(FORMAT_VERSION).i32(0);
    RecordCodec.writeHeader(out, record.header());
    out.bytes(payload);
    byte[] sealed = out.toArray();
    ByteBuffer.wrap(sealed).putInt(CHECKSUM_AT, checksum(key, sealed));
    return sealed;
  }

  /** Null if the bytes are not what was sealed for this key. */
  static @Nullable MetadataRecord open(Key key, byte[] keyBytes, byte[] sealed) {
    if (sealed.length < BODY_AT || sealed[0] != FORMAT_VERSION) {
      return null;
    }
    var bytes = ByteBuffer.wrap(sealed);
    if (bytes.getInt(CHECKSUM_AT) != checksum(keyBytes, sealed)) {
      return null;
    }
    try {
      bytes.position(BODY_AT);
      Header header = RecordCodec.readHeader(new ByteReader(bytes));
      var payload = Bytes.copyOf(sealed, bytes.position(), bytes.remaining());
      return new MetadataRecord(key, header, payload);
    } catch (WireFormatException | IllegalArgumentException e) {
      return null;
    }
  }

  private static int checksum(byte[] key, byte[] sealed) {
    var crc = new CRC32C();
    crc.update(key, 0, key.length);
    crc.update(sealed, BODY_AT, sealed.length - BODY_AT);
    return (int) crc.getValue();
  }
}
