package io.metafabric.core.fuzz;

import io.metafabric.core.codec.Checksums;
import java.nio.ByteBuffer;

/**
 * Copies of damaged bytes with good checksums, so that what lies behind the checksums is reached.
 */
final class Resealed {
  private static final int SEGMENT_HEADER_BYTES = 24;
  private static final int COMPACTED_HEADER_BYTES = 32;
  private static final int FRAME_HEADER_BYTES = 28;
  private static final int MAGIC_LENGTH_CRC_BYTES = 16;
  private static final int TOKEN_BYTES = 46;

  private Resealed() {}

  /** A segment as written: its header, and every frame up to one that runs past the end. */
  static byte[] segment(byte[] damaged) {
    var bytes = ByteBuffer.wrap(damaged.clone());
    seal(bytes, 16, 0, 16);
    return frames(bytes, SEGMENT_HEADER_BYTES);
  }

  static byte[] compacted(byte[] damaged) {
    var bytes = ByteBuffer.wrap(damaged.clone());
    seal(bytes, 28, 0, 28);
    return frames(bytes, COMPACTED_HEADER_BYTES);
  }

  private static byte[] frames(ByteBuffer bytes, int from) {
    int at = from;
    while (bytes.limit() - at >= FRAME_HEADER_BYTES) {
      int length = bytes.getInt(at);
      if (length < 0 || length > bytes.limit() - at - FRAME_HEADER_BYTES) {
        break;
      }
      int end = at + FRAME_HEADER_BYTES + length;
      seal(bytes, at + 4, at + 8, end);
      at = end;
    }
    return bytes.array();
  }

  /** A batch of a snapshot: its length, both tokens, its frames, itself. */
  static byte[] snapshotBatch(byte[] damaged) {
    var bytes = ByteBuffer.wrap(damaged.clone());
    int tokenAt = bytes.limit() - TOKEN_BYTES;
    if (tokenAt >= MAGIC_LENGTH_CRC_BYTES + TOKEN_BYTES) {
      bytes.putInt(8, bytes.limit() - MAGIC_LENGTH_CRC_BYTES);
      sealToken(bytes, MAGIC_LENGTH_CRC_BYTES);
      sealToken(bytes, tokenAt);
      frames(bytes.slice(0, tokenAt), MAGIC_LENGTH_CRC_BYTES + TOKEN_BYTES);
      seal(bytes, 12, MAGIC_LENGTH_CRC_BYTES, bytes.limit());
    }
    return bytes.array();
  }

  private static void sealToken(ByteBuffer bytes, int at) {
    int crcAt = at + TOKEN_BYTES - Integer.BYTES;
    seal(bytes, crcAt, at, crcAt);
  }

  static byte[] mark(byte[] damaged) {
    var bytes = ByteBuffer.wrap(damaged.clone());
    seal(bytes, 8, 0, 8);
    return bytes.array();
  }

  /** A hint as far as its description goes: all that is there is the description. */
  static byte[] hint(byte[] damaged) {
    var bytes = ByteBuffer.wrap(damaged.clone());
    if (bytes.limit() >= MAGIC_LENGTH_CRC_BYTES) {
      bytes.putInt(8, bytes.limit() - MAGIC_LENGTH_CRC_BYTES);
      seal(bytes, 12, MAGIC_LENGTH_CRC_BYTES, bytes.limit());
    }
    return bytes.array();
  }

  /** The mark of a refill: the same. */
  static byte[] refill(byte[] damaged) {
    return hint(damaged);
  }

  /** What follows the length of a peer's frame. */
  static byte[] wireFrame(byte[] damaged) {
    var bytes = ByteBuffer.wrap(damaged.clone());
    seal(bytes, 0, 4, bytes.limit());
    return bytes.array();
  }

  private static void seal(ByteBuffer bytes, int at, int from, int to) {
    if (bytes.limit() >= Math.max(at + Integer.BYTES, to)) {
      bytes.putInt(at, Checksums.crc32c(bytes.array(), from, to - from));
    }
  }
}
