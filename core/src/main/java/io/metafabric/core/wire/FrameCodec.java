package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of frames, protocol versions {@value #MIN_PROTOCOL} to {@value #PROTOCOL}: the envelope
 * with length, checksum and compression here, the body of each type by {@link FrameBodies}.
 * Stateless.
 *
 * <p>Hello, welcome and refuse are the same in all versions: they are what versions are agreed on
 * with. A later version adds frames; what a frame looks like does not change.
 *
 * <pre>
 * 0       4       8     9     10
 * +-------+-------+-----+-----+------------------+
 * | length| CRC32C|type |flags| body             |   big-endian
 * +-------+-------+-----+-----+------------------+
 *                 |<-------- length ------------>|
 * </pre>
 *
 * <p>The checksum is over type, flags and body. Flags are 0, or {@value #COMPRESSED} if the body is
 * the length of the plain one, as a varint, and the plain one compressed.
 */
public final class FrameCodec {
  /** The newest version. */
  public static final int PROTOCOL = 3;

  /** The oldest version that is still spoken. */
  public static final int MIN_PROTOCOL = 1;

  /** Length and checksum. */
  public static final int PREFIX_BYTES = 8;

  /** Type and flags: the least that a length can say. */
  public static final int MIN_LENGTH = 2;

  private static final int BODY_AT = PREFIX_BYTES + MIN_LENGTH;

  /** The largest {@code length} before the handshake is done. */
  public static final int MAX_HANDSHAKE_BYTES = 256 * 1024;

  /**
   * By so much a frame may be longer than the largest payload: enough for {@link
   * RecordCodec#MAX_BYTES_BESIDE_PAYLOAD}, and for all that is said in a frame beside a record.
   */
  public static final int MAX_BYTES_BESIDE_PAYLOAD = 256 * 1024;

  private static final int COMPRESSED = 1;

  /** A shorter body is not worth the attempt. */
  private static final int MIN_COMPRESSED_BYTES = 256;

  /** A cluster has no more. */
  public static final int MAX_REGIONS = 64;

  private FrameCodec() {}

  /** The whole frame, length and checksum included. */
  public static byte[] encode(Frame frame) {
    return encode(frame, null);
  }

  /**
   * The same, with the body of a data frame compressed where that makes it shorter.
   *
   * @param compression null for none
   */
  public static byte[] encode(Frame frame, @Nullable Compression compression) {
    return encode(frame, compression, new ByteWriter(estimatedBytes(frame)));
  }

  /**
   * The same by a writer that serves one frame after the other.
   *
   * @param out what is in it is forgotten
   */
  public static byte[] encode(Frame frame, @Nullable Compression compression, ByteWriter out) {
    out.reset(Integer.MAX_VALUE);
    out.i32(0).i32(0);
    frame.deliverTo(new FrameBodies.Writer(out));
    byte[] smaller = compression == null || frame.isControl() ? null : compressed(out, compression);
    if (smaller != null) {
      int plain = out.length() - BODY_AT;
      int type = out.array()[PREFIX_BYTES];
      out.reset(Integer.MAX_VALUE);
      out.i32(0).i32(0).u8(type).u8(COMPRESSED).varint(plain).bytes(smaller);
    }
    out.putI32At(0, out.length() - PREFIX_BYTES);
    out.putI32At(4, out.crc32c(PREFIX_BYTES));
    return out.toArray();
  }

  private static byte @Nullable [] compressed(ByteWriter plain, Compression compression) {
    int length = plain.length() - BODY_AT;
    return length < MIN_COMPRESSED_BYTES
        ? null
        : compression.compress(plain.array(), BODY_AT, length);
  }

  /**
   * How long an encoded frame is where it is not compressed, as the {@code length} in front of it
   * says: what the other side's bound is about.
   */
  public static int plainLength(byte[] encoded) {
    if (encoded[PREFIX_BYTES + 1] != COMPRESSED) {
      return encoded.length - PREFIX_BYTES;
    }
    var body = ByteBuffer.wrap(encoded, BODY_AT, encoded.length - BODY_AT);
    return MIN_LENGTH + new ByteReader(body).varint("plain length", 1, Integer.MAX_VALUE);
  }

  private static int estimatedBytes(Frame frame) {
    if (frame instanceof Frame.Changes changes) {
      return estimatedBytes(changes);
    }
    if (frame instanceof Frame.Part part) {
      return estimatedBytes(part.changes());
    }
    if (frame instanceof Frame.Deltas deltas) {
      return estimatedBytes(deltas.changes())
          + deltas.deltas().stream().mapToInt(each -> 32 + each.bytes().length()).sum()
          + deltas.told().stream().mapToInt(each -> 16 + each.bytes().length()).sum();
    }
    return 256;
  }

  private static int estimatedBytes(Frame.Changes changes) {
    return 64 + changes.records().stream().mapToInt(RecordCodec::estimatedBytes).sum();
  }

  /**
   * Decodes one frame that is not compressed.
   *
   * @param in what follows the length: checksum, type, flags, body, and nothing else
   * @return null for a frame of a type that this version does not know: it is to be skipped
   * @throws WireFormatException if it is damaged or malformed
   */
  public static @Nullable Frame decode(ByteBuffer in) {
    return decodePlain(plain(in, null, 0));
  }

  /**
   * What {@link #decodePlain} takes: type, flags and body, checked against the checksum, and
   * decompressed if need be.
   *
   * @param in what follows the length
   * @param compression null if nothing may be compressed
   * @param maxPlainBytes bounds what a compressed frame may become, before memory is taken for it
   * @throws WireFormatException if it is damaged, or compressed and may not be, or too long
   */
  public static ByteBuffer plain(
      ByteBuffer in, @Nullable Compression compression, int maxPlainBytes) {
    if (in.remaining() < Integer.BYTES + MIN_LENGTH) {
      throw new WireFormatException("a frame of " + in.remaining() + " bytes is too short");
    }
    int said = in.getInt();
    int is = Checksums.crc32c(in);
    if (said != is) {
      throw new WireFormatException("a frame of " + in.remaining() + " bytes has a bad checksum");
    }
    byte type = in.get(in.position());
    boolean unknown = !FrameBodies.isKnown(type & 0xff);
    if (compression == null || unknown || in.get(in.position() + 1) != COMPRESSED) {
      return in;
    }
    in.position(in.position() + MIN_LENGTH);
    int plainBytes = new ByteReader(in).varint("plain length", 1, maxPlainBytes - MIN_LENGTH);
    var plain = new byte[MIN_LENGTH + plainBytes];
    plain[0] = type;
    compression.decompress(in, plain, MIN_LENGTH);
    return ByteBuffer.wrap(plain);
  }

  /**
   * Decodes what {@link #plain} returned.
   *
   * @return null for a frame of a type that no version here knows: it is to be skipped, as is one
   *     that the version spoken does not have ({@link Frame#since})
   * @throws WireFormatException if it is malformed
   */
  public static @Nullable Frame decodePlain(ByteBuffer in) {
    var reader = new ByteReader(in);
    int type = reader.u8("frame type");
    int flags = reader.u8("frame flags");
    if (!FrameBodies.isKnown(type)) {
      return null;
    }
    if (flags != 0) {
      throw new WireFormatException("frame type " + type + " has unknown flags " + flags);
    }
    Frame frame = FrameBodies.read(type, reader);
    reader.end("frame type " + type);
    return frame;
  }
}
