package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * One file of the journal.
 *
 * <pre>
 * 0          8              16       20         24
 * +----------+--------------+--------+----------+-----------
 * | MFJOURN1 | first position| CRC32C | reserved | frames...
 * +----------+--------------+--------+----------+-----------
 * </pre>
 *
 * <p>Its header is durable before the first frame is written.
 */
final class Segment {
  static final int HEADER_BYTES = 24;

  private static final long MAGIC = 0x4d464a4f55524e31L; // "MFJOURN1"
  private static final String PREFIX = "journal-";
  private static final String SUFFIX = ".log";

  /** Positions of frames at intervals, so that a reader need not start at the front. */
  private static final int CHECKPOINT_EVERY_BYTES = 256 * 1024;

  private final DiskFile file;
  private final long firstPosition;
  private final Checkpoints checkpoints = new Checkpoints(CHECKPOINT_EVERY_BYTES);

  // Written by the committer, read by cursors: what is before them is complete in the file.
  private volatile long endOffset;
  private volatile long endPosition;

  private Segment(DiskFile file, long firstPosition, long endOffset) {
    this.file = file;
    this.firstPosition = firstPosition;
    this.endOffset = endOffset;
    this.endPosition = firstPosition;
    checkpoints.add(firstPosition, HEADER_BYTES);
  }

  static boolean isSegmentName(String name) {
    return name.startsWith(PREFIX)
        && name.endsWith(SUFFIX)
        && name.length() == PREFIX.length() + 16 + SUFFIX.length();
  }

  static String nameOf(long firstPosition) {
    return PREFIX + HexFormat.of().toHexDigits(firstPosition) + SUFFIX;
  }

  static long firstPositionOf(String name) {
    try {
      return HexFormat.fromHexDigitsToLong(name, PREFIX.length(), PREFIX.length() + 16);
    } catch (IllegalArgumentException e) {
      throw new CorruptJournalException(name, 0, "its name is not that of a segment");
    }
  }

  static Segment create(Disk disk, long firstPosition) {
    DiskFile file = disk.open(nameOf(firstPosition));
    var out = new ByteWriter(HEADER_BYTES);
    out.i64(MAGIC).i64(firstPosition);
    out.i32(out.crc32c(0)).i32(0);
    file.truncate(0);
    file.write(0, out.written());
    file.sync();
    disk.syncDirectory();
    return new Segment(file, firstPosition, HEADER_BYTES);
  }

  /** Opens a segment that is at least as long as its header. */
  static Segment open(Disk disk, String name) {
    long expected = firstPositionOf(name);
    DiskFile file = disk.open(name);
    try {
      var header = ByteBuffer.allocate(HEADER_BYTES);
      file.read(0, header);
      var in = new ByteReader(header.flip());
      long magic = in.i64("magic");
      long firstPosition = in.i64("first position");
      int said = in.i32("checksum");
      var out = new ByteWriter(16);
      out.i64(magic).i64(firstPosition);
      if (magic != MAGIC || firstPosition != expected || said != out.crc32c(0)) {
        throw new CorruptJournalException(name, 0, "its header is not that of segment " + expected);
      }
      return new Segment(file, firstPosition, HEADER_BYTES);
    } catch (WireFormatException e) {
      file.close();
      throw new CorruptJournalException(name, 0, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  String name() {
    return file.name();
  }

  DiskFile file() {
    return file;
  }

  long firstPosition() {
    return firstPosition;
  }

  /** Position of the first frame that is not here. */
  long endPosition() {
    return endPosition;
  }

  long endOffset() {
    return endOffset;
  }

  /** The caller has written frames up to here; they become readable. */
  void extend(long nextPosition, long nextOffset) {
    checkpoints.add(nextPosition, nextOffset);
    endPosition = nextPosition;
    endOffset = nextOffset;
  }

  /** A frame at or before {@code position}, with its offset. */
  Checkpoints.Checkpoint before(long position) {
    return checkpoints.before(position);
  }

  /** Reads one whole frame of which position and length are known. */
  JournalFrame readFrame(long offset, int lengthBytes, long position) {
    var bytes = ByteBuffer.allocate(lengthBytes);
    if (file.read(offset, bytes) < lengthBytes) {
      throw new CorruptJournalException(name(), offset, "the file ends within the frame");
    }
    try {
      return JournalFrame.decode(bytes.flip(), offset, position);
    } catch (WireFormatException e) {
      throw new CorruptJournalException(name(), offset, String.valueOf(e.getMessage()));
    }
  }
}
