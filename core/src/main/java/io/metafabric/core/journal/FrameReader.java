package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Reads the frames of one file one after the other, in chunks. Not thread-safe. */
final class FrameReader {
  private static final int CHUNK_BYTES = 128 * 1024;
  private static final int FIRST_BYTES = 4 * 1024;

  private final DiskFile file;
  private long offset;
  private ByteBuffer chunk = ByteBuffer.allocate(0);
  private long chunkOffset;

  FrameReader(DiskFile file, long offset) {
    this.file = file;
    this.offset = offset;
    this.chunkOffset = offset;
  }

  /** Where the next frame begins; after a failure, where the bad one does. */
  long offset() {
    return offset;
  }

  /**
   * The next frame, or null if the file's readable part ends here.
   *
   * @param endOffset what is behind it is not read
   * @throws WireFormatException if what is here is not the frame at {@code expectedPosition}
   * @throws CorruptJournalException if the file ends before {@code endOffset}
   */
  @Nullable JournalFrame next(long endOffset, long expectedPosition) {
    return next(endOffset, expectedPosition, expectedPosition);
  }

  /**
   * The same, where frames may be missing.
   *
   * @throws WireFormatException if what is here is not a frame of a position in this range
   * @throws CorruptJournalException if the file ends before {@code endOffset}
   */
  @Nullable JournalFrame next(long endOffset, long minPosition, long maxPosition) {
    long left = endOffset - offset;
    if (left <= 0) {
      return null;
    }
    if (left < JournalFrame.HEADER_BYTES) {
      throw new WireFormatException("only " + left + " bytes are left, too few for a frame");
    }
    need(JournalFrame.HEADER_BYTES, endOffset);
    long claimed = JournalFrame.claimedBytes(chunk, chunk.position());
    // Before anything is allocated for it: a length that runs past the end is damage.
    if (claimed > left || claimed > Integer.MAX_VALUE) {
      throw new WireFormatException(
          "a frame claims " + claimed + " bytes, but " + left + " are left");
    }
    need((int) claimed, endOffset);
    var bytes = chunk.duplicate().limit(chunk.position() + (int) claimed);
    JournalFrame frame = JournalFrame.decode(bytes, offset, minPosition, maxPosition);
    chunk.position(chunk.position() + (int) claimed);
    offset = frame.endOffset();
    return frame;
  }

  /** Makes {@code bytes} from {@code offset} on available at the chunk's position. */
  private void need(int bytes, long endOffset) {
    if (chunk.remaining() >= bytes && chunkOffset + chunk.position() == offset) {
      return;
    }
    int wanted = (int) Math.min(Math.max(bytes, CHUNK_BYTES), endOffset - offset);
    if (chunk.capacity() < wanted || chunk.capacity() > 8 * CHUNK_BYTES) {
      // Many readers read a few frames at a file's end, and no more.
      int larger = Math.min(CHUNK_BYTES, Math.max(FIRST_BYTES, 2 * chunk.capacity()));
      chunk = ByteBuffer.allocate(Math.max(wanted, larger));
    }
    chunk.clear().limit(wanted);
    chunkOffset = offset;
    int read = file.read(offset, chunk);
    chunk.flip();
    if (read < wanted) {
      // No bad frame, behind which something could be cut off: the file was said to be longer.
      throw new CorruptJournalException(
          file.name(), offset + read, "the file ends " + (wanted - read) + " bytes early");
    }
  }
}
