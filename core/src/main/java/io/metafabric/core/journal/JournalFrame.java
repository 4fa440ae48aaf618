package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One frame of a segment.
 *
 * <pre>
 * 0       4       8     9       10          12          20         28
 * +-------+-------+-----+-------+-----------+-----------+----------+--------+
 * | length| CRC32C|type |format | reserved  | position  | durable  | body   |   big-endian
 * +-------+-------+-----+-------+-----------+-----------+----------+--------+
 * </pre>
 *
 * <p>{@code length} is that of the body; the checksum is over all that follows it. {@code position}
 * makes a frame in the wrong place visible; {@code durable} is the last position that was known to
 * be durable when this frame was written, so that later frames prove what earlier ones were owed.
 *
 * @param endOffset where the next frame begins
 */
record JournalFrame(
    int type, long position, long durable, JournalEntry entry, long offset, long endOffset) {
  static final int HEADER_BYTES = 28;
  static final int FORMAT = 1;

  private static final int TYPE_AT = 8;
  private static final int RESERVED_AT = 10;
  private static final int POSITION_AT = 12;
  private static final int DURABLE_AT = 20;

  int lengthBytes() {
    return (int) (endOffset - offset);
  }

  static void encode(ByteWriter out, JournalEntry entry, long position, long durable) {
    int start = out.length();
    out.i32(0).i32(0).u8(EntryCodec.typeOf(entry)).u8(FORMAT).u8(0).u8(0);
    out.i64(position).i64(durable);
    EntryCodec.write(out, entry);
    out.putI32At(start, out.length() - start - HEADER_BYTES);
    out.putI32At(start + Integer.BYTES, out.crc32c(start + TYPE_AT));
  }

  /** Whether a header can stand here at all; cheap, and no proof. */
  static boolean isPlausible(ByteBuffer bytes, int at, long minPosition, long maxPosition) {
    if (bytes.limit() - at < HEADER_BYTES) {
      return false;
    }
    long position = bytes.getLong(at + POSITION_AT);
    int length = bytes.getInt(at);
    return EntryCodec.isKnown(bytes.get(at + TYPE_AT))
        && bytes.get(at + TYPE_AT + 1) == FORMAT
        && bytes.getShort(at + RESERVED_AT) == 0
        && position >= minPosition
        && position <= maxPosition
        && length >= 0
        && length <= bytes.limit() - at - HEADER_BYTES;
  }

  static long durableAt(ByteBuffer bytes, int at) {
    return bytes.getLong(at + DURABLE_AT);
  }

  static boolean hasGoodChecksum(ByteBuffer bytes, int at) {
    int from = at + TYPE_AT;
    int end = at + HEADER_BYTES + bytes.getInt(at);
    return Checksums.crc32c(bytes, from, end - from) == bytes.getInt(at + Integer.BYTES);
  }

  /** The same among bytes that have been looked at before. */
  static boolean hasGoodChecksum(ByteBuffer bytes, int at, RangeCrc32c crcs) {
    int end = at + HEADER_BYTES + bytes.getInt(at);
    return crcs.of(at + TYPE_AT, end) == bytes.getInt(at + Integer.BYTES);
  }

  /** How many bytes the frame at {@code at} has, header included; at least the header is there. */
  static long claimedBytes(ByteBuffer bytes, int at) {
    return HEADER_BYTES + (bytes.getInt(at) & 0xffffffffL);
  }

  /**
   * Decodes a whole frame.
   *
   * @param bytes position at the frame, limit at its end
   * @param offset of the frame in its file
   * @param minPosition the frame's position must be this or more
   * @param maxPosition and no more than this
   * @throws OtherFormatException if it is a good frame of another format
   * @throws WireFormatException if it is not a good frame
   */
  static JournalFrame decode(ByteBuffer bytes, long offset, long minPosition, long maxPosition) {
    return decode(bytes, offset, minPosition, maxPosition, null);
  }

  /**
   * The same where it is known whose record that is, most likely.
   *
   * @param expected not decoded again, if it is this one
   */
  static JournalFrame decode(
      ByteBuffer bytes, long offset, long minPosition, long maxPosition, @Nullable Key expected) {
    int at = bytes.position();
    if (bytes.remaining() < HEADER_BYTES || claimedBytes(bytes, at) != bytes.remaining()) {
      throw new WireFormatException("the frame's length is wrong");
    }
    if (!hasGoodChecksum(bytes, at)) {
      throw new WireFormatException("the frame's checksum is wrong");
    }
    int format = bytes.get(at + TYPE_AT + 1) & 0xff;
    if (format != FORMAT) {
      throw new OtherFormatException(format, FORMAT);
    }
    if (bytes.getShort(at + RESERVED_AT) != 0) {
      throw new WireFormatException("the frame's reserved bytes are not 0");
    }
    long position = bytes.getLong(at + POSITION_AT);
    if (position < minPosition || position > maxPosition) {
      throw new WireFormatException(
          "the frame has position " + position + ", but " + minPosition + " is due here");
    }
    int type = bytes.get(at + TYPE_AT);
    var body = bytes.duplicate().position(at + HEADER_BYTES);
    JournalEntry entry = EntryCodec.read(type, new ByteReader(body), expected);
    return new JournalFrame(
        type, position, durableAt(bytes, at), entry, offset, offset + bytes.remaining());
  }
}
