package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.error.UnsupportedFormatException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Key;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One file of the journal, as it was written or compacted.
 *
 * <pre>
 * 0          8              16       20         24
 * +----------+--------------+--------+----------+-----------
 * | MFJOURN1 | first position| CRC32C | reserved | frames...          as written
 * +----------+--------------+--------+----------+-----------
 *
 * 0          8              16             24           28       32
 * +----------+--------------+--------------+------------+--------+-----------
 * | MFCOMPA1 | first position| end position | generation | CRC32C | frames...
 * +----------+--------------+--------------+------------+--------+-----------
 * </pre>
 *
 * <p>The header of a segment that is written to is durable before its first frame is. A compacted
 * segment has every frame of its range that was live, at its old position and in the old order, and
 * is complete if and only if a frame of type sealed ends it.
 */
final class Segment {
  static final String DAMAGED_HEADER = "its header is damaged";
  static final int HEADER_BYTES = 24;
  static final int COMPACTED_HEADER_BYTES = 32;

  /** No journal gets here; what comes behind a compacted segment has positions too. */
  static final long MAX_END_POSITION = Long.MAX_VALUE / 2;

  private static final int FORMAT = 1;
  private static final long MAGIC = 0x4d464a4f55524e31L; // "MFJOURN1"
  private static final long COMPACTED_MAGIC = 0x4d46434f4d504131L; // "MFCOMPA1"

  /** Positions of frames at intervals, so that a reader need not start at the front. */
  private static final int CHECKPOINT_EVERY_BYTES = 256 * 1024;

  private final DiskFile file;
  private final SegmentName name;
  private final Checkpoints checkpoints = new Checkpoints(CHECKPOINT_EVERY_BYTES);
  private final AtomicLong liveBytes = new AtomicLong();
  private final AtomicLong forgottenBytes = new AtomicLong();
  private volatile long cleanUpTo;
  private volatile long rewrittenAt;

  /** Of these, bytes of which nobody will say that they are dead; until so much is appended. */
  private final AtomicLong heldBytes = new AtomicLong();

  private volatile long heldUntil;

  // Written by one, read by cursors: what is before them is complete in the file.
  private volatile long endOffset;
  private volatile long endPosition;
  private volatile boolean retired;

  /** Given by the frame table before anything of it is located. */
  int number;

  /** Given by it too, and never to another segment, where numbers go round. */
  int identity;

  /** Up to here the file has room, zeros behind the frames; the writer's own. */
  private long allocatedTo;

  private Segment(DiskFile file, SegmentName name, long framesAt, long endPosition) {
    this.file = file;
    this.name = name;
    this.endOffset = framesAt;
    this.allocatedTo = framesAt;
    this.endPosition = endPosition;
    checkpoints.add(name.firstPosition(), framesAt);
  }

  static Segment create(Disk disk, long firstPosition) {
    var name = new SegmentName(firstPosition, 0);
    var out = new ByteWriter(HEADER_BYTES);
    out.i64(MAGIC).i64(firstPosition);
    out.i32(out.crc32c(0)).i32(0);
    DiskFile file = begin(disk, name, out);
    try {
      file.sync();
      disk.syncDirectory();
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
    return new Segment(file, name, HEADER_BYTES, firstPosition);
  }

  /** Begins one that replaces all segments of a range; nothing of it is durable yet. */
  static Segment createCompacted(Disk disk, long firstPosition, long endPosition, int generation) {
    var name = new SegmentName(firstPosition, generation);
    ByteWriter out = compactedHeader(firstPosition, endPosition, generation);
    return new Segment(begin(disk, name, out), name, COMPACTED_HEADER_BYTES, endPosition);
  }

  static ByteWriter compactedHeader(long firstPosition, long endPosition, int generation) {
    var out = new ByteWriter(COMPACTED_HEADER_BYTES);
    out.i64(COMPACTED_MAGIC).i64(firstPosition).i64(endPosition).i32(generation);
    return out.i32(out.crc32c(0));
  }

  /**
   * Opens one of which is known what is in it.
   *
   * @return null if the file is another than the image says
   */
  static @Nullable Segment restore(Disk disk, SegmentImage image) {
    Segment segment;
    try {
      segment = open(disk, image.name());
    } catch (CorruptJournalException e) {
      return null;
    }
    if (segment.file.sizeBytes() != image.fileBytes()
        || (segment.isCompacted() && segment.endPosition != image.endPosition())) {
      segment.file.close();
      return null;
    }
    image.checkpoints().forEach(each -> segment.checkpoints.add(each.position(), each.offset()));
    segment.endPosition = image.endPosition();
    segment.endOffset = image.endOffset();
    segment.allocatedTo = image.fileBytes();
    return segment;
  }

  /** What {@link #restore} needs; the file may be closed. */
  SegmentImage image(long fileBytes) {
    return new SegmentImage(name, number, endPosition, endOffset, fileBytes, checkpoints.all());
  }

  private static DiskFile begin(Disk disk, SegmentName name, ByteWriter header) {
    DiskFile file = disk.open(name.file());
    try {
      file.truncate(0);
      file.write(0, header.written());
      return file;
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Opens a segment that is at least as long as its header.
   *
   * @throws CorruptJournalException if its header is not a segment's of this name
   * @throws UnsupportedFormatException if it is a segment's of another format
   */
  static Segment open(Disk disk, SegmentName name) {
    DiskFile file = disk.open(name.file());
    try {
      return name.generation() == 0 ? openWritten(file, name) : openCompacted(file, name);
    } catch (WireFormatException e) {
      file.close();
      throw OtherFormatException.describe(name.file(), 0, e);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Null if the header is good. */
  static @Nullable String whyBadHeader(Disk disk, SegmentName name) {
    try {
      open(disk, name).file.close();
      return null;
    } catch (CorruptJournalException e) {
      return DAMAGED_HEADER;
    } catch (UnsupportedFormatException e) {
      return "it has format " + e.found() + ", but this version reads format " + e.supported();
    }
  }

  /** The position behind a segment that has a good header, as that says. */
  static long endOf(Disk disk, SegmentName name) {
    Segment segment = open(disk, name);
    segment.file.close();
    return segment.endPosition();
  }

  private static Segment openWritten(DiskFile file, SegmentName name) {
    ByteReader in = header(file, HEADER_BYTES);
    long magic = in.i64("magic");
    long firstPosition = in.i64("first position");
    int said = in.i32("checksum");
    var out = new ByteWriter(16);
    out.i64(magic).i64(firstPosition);
    boolean good = said == out.crc32c(0);
    requireKnownFormat(magic, MAGIC, good);
    if (magic != MAGIC || firstPosition != name.firstPosition() || !good) {
      throw badHeader(name);
    }
    return new Segment(file, name, HEADER_BYTES, firstPosition);
  }

  private static Segment openCompacted(DiskFile file, SegmentName name) {
    ByteReader in = header(file, COMPACTED_HEADER_BYTES);
    long magic = in.i64("magic");
    long firstPosition = in.i64("first position");
    long endPosition = in.i64("end position");
    int generation = in.i32("generation");
    int said = in.i32("checksum");
    var out = new ByteWriter(COMPACTED_HEADER_BYTES);
    out.i64(magic).i64(firstPosition).i64(endPosition).i32(generation);
    boolean good = said == out.crc32c(0);
    requireKnownFormat(magic, COMPACTED_MAGIC, good);
    if (magic != COMPACTED_MAGIC
        || !name.equals(new SegmentName(firstPosition, generation))
        || endPosition <= firstPosition
        || endPosition > MAX_END_POSITION
        || !good) {
      throw badHeader(name);
    }
    return new Segment(file, name, COMPACTED_HEADER_BYTES, endPosition);
  }

  /** The last byte of a magic is the format's digit; what else is in a header stays as it is. */
  private static void requireKnownFormat(long magic, long known, boolean goodChecksum) {
    int digit = (int) (magic & 0xff) - '0';
    boolean isOther = magic != known && magic >>> Byte.SIZE == known >>> Byte.SIZE;
    if (goodChecksum && isOther && digit >= 0 && digit <= 9) {
      throw new OtherFormatException(digit, FORMAT);
    }
  }

  private static ByteReader header(DiskFile file, int bytes) {
    var header = ByteBuffer.allocate(bytes);
    file.read(0, header);
    return new ByteReader(header.flip());
  }

  private static CorruptJournalException badHeader(SegmentName name) {
    return new CorruptJournalException(
        name.file(), 0, "its header is not that of segment " + name.firstPosition());
  }

  SegmentName name() {
    return name;
  }

  DiskFile file() {
    return file;
  }

  boolean isCompacted() {
    return name.generation() > 0;
  }

  long firstPosition() {
    return name.firstPosition();
  }

  /** Position of the first frame that is not here. */
  long endPosition() {
    return endPosition;
  }

  /** Where the frames end that may be read. */
  long endOffset() {
    return endOffset;
  }

  long framesAt() {
    return isCompacted() ? COMPACTED_HEADER_BYTES : HEADER_BYTES;
  }

  /** The caller has written frames up to here; they become readable. */
  void extend(long nextPosition, long nextOffset) {
    checkpoints.add(nextPosition, nextOffset);
    if (!isCompacted()) {
      endPosition = nextPosition;
    }
    endOffset = nextOffset;
  }

  /**
   * Makes room for frames up to {@code offset}, in steps, so that a sync of what is written next
   * need not sync the file's length too. Where the disk is full, there is no room in advance.
   */
  void allocate(long offset, int stepBytes) {
    if (offset <= allocatedTo) {
      return;
    }
    long from = Math.max(allocatedTo, endOffset);
    long to = (offset + stepBytes - 1) / stepBytes * stepBytes;
    try {
      file.write(from, ByteBuffer.allocate((int) (to - from)));
      allocatedTo = to;
    } catch (StorageFullException e) {
      truncateToEnd();
    }
  }

  /** There was room already when the file was opened. */
  void allocated(long to) {
    allocatedTo = to;
  }

  /** Gives up the room behind the frames, and what a failed write may have left there. */
  void truncateToEnd() {
    file.truncate(endOffset);
    allocatedTo = endOffset;
  }

  /** A frame at or before {@code position}, or the front, with its offset. */
  Checkpoints.Checkpoint before(long position) {
    return checkpoints.before(position);
  }

  /**
   * Nothing is here that had been replaced when this position was published; 0 if that is not
   * known.
   */
  long cleanUpTo() {
    return cleanUpTo;
  }

  /**
   * @param at published position when the compaction began that made this segment
   * @param clean whether it kept nothing that had been replaced by then
   */
  void rewritten(long at, boolean clean) {
    rewrittenAt = at;
    cleanUpTo = clean ? at : 0;
  }

  /** Published position when the compaction began that made this; 0 if none did. */
  long rewrittenAt() {
    return rewrittenAt;
  }

  /** Of the live bytes, those of dead headers that no view knows any more. */
  long forgottenBytes() {
    return forgottenBytes.get();
  }

  void addForgottenBytes(long bytes) {
    forgottenBytes.addAndGet(bytes);
  }

  /** Bytes of frames that are part of the present state. */
  long liveBytes() {
    return liveBytes.get();
  }

  void addLiveBytes(long bytes) {
    liveBytes.addAndGet(bytes);
  }

  /** Some of the live bytes: compaction kept them, but no view names them. */
  void addHeldBytes(long bytes) {
    heldBytes.addAndGet(bytes);
  }

  /** Frames that are held here count as live until the journal has appended so many bytes. */
  void holdUntil(long appendedBytes) {
    heldUntil = appendedBytes;
  }

  void releaseHeld(long appendedBytes) {
    if (appendedBytes >= heldUntil) {
      addLiveBytes(-heldBytes.getAndSet(0));
    }
  }

  /** Whether another segment has taken its place: reads of it may fail, and are to be repeated. */
  boolean isRetired() {
    return retired;
  }

  void retire() {
    retired = true;
    file.close();
  }

  /** The name of a frame that no other frame ever has. */
  long nameOfFrame(long offset) {
    return (long) identity << Integer.SIZE | offset;
  }

  /**
   * Reads one whole frame.
   *
   * @param maxLengthBytes the frame has no more
   */
  JournalFrame readFrame(long offset, int maxLengthBytes) {
    return decode(readBytes(offset, maxLengthBytes), offset, null);
  }

  /** What is there if a frame is; not checked beyond its length. */
  ByteBuffer readBytes(long offset, int maxLengthBytes) {
    var bytes = ByteBuffer.allocate(maxLengthBytes);
    file.read(offset, bytes);
    bytes.flip();
    try {
      if (bytes.limit() < JournalFrame.HEADER_BYTES
          || JournalFrame.claimedBytes(bytes, 0) > bytes.limit()) {
        throw new WireFormatException("the file ends within the frame, or its length is wrong");
      }
      return bytes.limit((int) JournalFrame.claimedBytes(bytes, 0));
    } catch (WireFormatException e) {
      throw OtherFormatException.describe(name.file(), offset, e);
    }
  }

  /**
   * @param bytes one whole frame that was read from this segment
   * @param expected whose record that is most likely, if that is known
   */
  JournalFrame decode(ByteBuffer bytes, long offset, @Nullable Key expected) {
    try {
      return JournalFrame.decode(bytes, offset, firstPosition(), endPosition - 1, expected);
    } catch (WireFormatException e) {
      throw OtherFormatException.describe(name.file(), offset, e);
    }
  }
}
