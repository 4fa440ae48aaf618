package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import org.jspecify.annotations.Nullable;

/**
 * Writes entries with their positions into an empty directory, as compacted segments that {@link
 * Journal#open} takes. Complete once {@link #finish} has returned: until then an opening finds
 * damage, never half of it. Not thread-safe.
 */
final class JournalCopy implements AutoCloseable {
  private static final int WRITE_BYTES = 256 * 1024;
  private static final int GENERATION = 1;

  private final Disk disk;
  private final long segmentBytes;
  private final ByteWriter buffer = new ByteWriter(WRITE_BYTES);
  private @Nullable DiskFile file;
  private long firstPosition = 1;
  private long next = 1;
  private long offset;
  private long frames;
  private long totalFrames;

  /**
   * @throws ConfigurationException if there is a journal in {@code disk} already
   */
  JournalCopy(Disk disk, long segmentBytes) {
    for (String name : disk.list()) {
      if (SegmentName.parse(name) != null || name.equals(DurableMark.NAME)) {
        throw new ConfigurationException(
            disk.describe() + " has a journal already (" + name + "); name an empty directory");
      }
    }
    this.disk = disk;
    this.segmentBytes = segmentBytes;
    // Before there is a segment: each of those is good by itself, and the first ones are not all.
    mark(DurableMark.UNFINISHED);
  }

  private void mark(long position) {
    try (var mark = new DurableMark(disk)) {
      mark.write(position);
      mark.sync();
    }
    disk.syncDirectory();
  }

  /** Positions must ascend. */
  void add(JournalEntry entry, long position) {
    if (position < next) {
      throw new IllegalArgumentException("position " + position + " comes after " + (next - 1));
    }
    if (file == null) {
      file = disk.open(new SegmentName(firstPosition, GENERATION).file());
      offset = Segment.COMPACTED_HEADER_BYTES;
      frames = 0;
    }
    JournalFrame.encode(buffer, entry, position, 0);
    frames++;
    totalFrames++;
    next = position + 1;
    if (buffer.length() >= WRITE_BYTES) {
      flush(file);
    }
    if (offset + buffer.length() >= segmentBytes) {
      seal(file, next);
    }
  }

  private void flush(DiskFile to) {
    to.write(offset, buffer.written());
    offset += buffer.length();
    buffer.reset(2 * WRITE_BYTES);
  }

  private void seal(DiskFile to, long endPosition) {
    JournalFrame.encode(buffer, new JournalEntry.Sealed(frames), endPosition, 0);
    flush(to);
    to.write(0, Segment.compactedHeader(firstPosition, endPosition, GENERATION).written());
    to.sync();
    to.close();
    file = null;
    firstPosition = endPosition;
    next = endPosition;
  }

  /**
   * Makes everything durable.
   *
   * @param lastPosition up to here there is nothing else
   * @return how many entries were copied
   */
  long finish(long lastPosition) {
    long end = Math.max(lastPosition + 1, next);
    if (file == null && end > firstPosition) {
      file = disk.open(new SegmentName(firstPosition, GENERATION).file());
      offset = Segment.COMPACTED_HEADER_BYTES;
      frames = 0;
    }
    if (file != null) {
      seal(file, end);
    }
    disk.syncDirectory();
    mark(end - 1);
    return totalFrames;
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
      file = null;
    }
  }
}
