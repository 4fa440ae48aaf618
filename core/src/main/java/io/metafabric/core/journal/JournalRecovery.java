package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Opens the segments of a journal, and decides about what cannot be read: behind everything that
 * was made durable it is a torn tail, kept aside and cut off; before that it is damage, and nothing
 * is touched.
 *
 * <p>Of a compaction that was cut short, what went into it is still there, and what came out is
 * deleted; of one that was complete, the other way round.
 */
final class JournalRecovery {
  /** What was found. */
  record Result(
      List<Segment> segments,
      List<TornTail> tornTails,
      long nextPosition,
      long durablePosition,
      long replayedBytes) {}

  private static final int COPY_BYTES = 1 << 20;
  private static final long MIN_CHECKED_BYTES = 64 << 20;
  private static final long CHECKED_TIMES = 64;

  private final Disk disk;
  private final FrameTable frames;
  private final Journal.Replay replay;
  private final List<Segment> segments = new ArrayList<>();
  private final List<TornTail> tornTails = new ArrayList<>();
  private final List<String> leftovers = new ArrayList<>();
  private long durable;
  private long next = 1;

  JournalRecovery(Disk disk, long markedDurable, FrameTable frames, Journal.Replay replay) {
    this.disk = disk;
    this.frames = frames;
    this.durable = markedDurable;
    this.replay = replay;
  }

  Result run() {
    if (durable == DurableMark.UNFINISHED) {
      throw new CorruptJournalException(
          DurableMark.NAME, 0, "it says that this is a copy that was not finished");
    }
    try {
      var names =
          new ArrayDeque<>(
              disk.list().stream()
                  .map(SegmentName::parse)
                  .filter(Objects::nonNull)
                  .sorted()
                  .toList());
      while (!names.isEmpty()) {
        recoverNext(names);
      }
      if (next - 1 < durable) {
        throw new CorruptJournalException(
            segments.isEmpty() ? DurableMark.NAME : lastSegment().name().file(),
            segments.isEmpty() ? 0 : lastSegment().endOffset(),
            "the journal ends at position " + (next - 1) + ", but " + durable + " was durable");
      }
      // Only now: where anything is damaged, nothing was changed.
      leftovers.forEach(disk::delete);
      long read = segments.stream().mapToLong(Segment::endOffset).sum();
      return new Result(segments, tornTails, next, durable, read);
    } catch (RuntimeException e) {
      segments.forEach(segment -> segment.file().close());
      throw e;
    }
  }

  private void add(Segment segment) {
    segments.add(segment);
    frames.add(segment);
  }

  private Segment lastSegment() {
    return segments.get(segments.size() - 1);
  }

  private void recoverNext(Deque<SegmentName> names) {
    SegmentName name = names.remove();
    if (name.firstPosition() < next) {
      // It lies within a compacted segment, of which it is a part.
      leftovers.add(name.file());
      return;
    }
    SegmentName same = names.peek();
    boolean hasSource = same != null && same.firstPosition() == name.firstPosition();
    if (name.generation() > 0 && hasSource && !isSealed(name)) {
      leftovers.add(name.file());
      return;
    }
    boolean last = names.stream().noneMatch(other -> other.firstPosition() > name.firstPosition());
    if (name.firstPosition() != next) {
      if (last && name.generation() == 0 && isTornCreation(name)) {
        return;
      }
      throw new CorruptJournalException(
          name.file(),
          0,
          "it begins at position " + name.firstPosition() + ", but " + next + " is due");
    }
    if (name.generation() > 0) {
      recoverCompacted(name);
    } else {
      recoverWritten(name, last);
    }
  }

  /** Whether a compaction has been finished: all frames are good, and the last one says so. */
  private boolean isSealed(SegmentName name) {
    try {
      Segment segment = Segment.open(disk, name);
      try (DiskFile file = segment.file()) {
        return readCompacted(segment, file.sizeBytes(), frame -> {}) == file.sizeBytes();
      }
    } catch (CorruptJournalException | WireFormatException e) {
      return false;
    }
  }

  /** What is done with each frame of a compacted segment. */
  private interface EachFrame {
    void frame(JournalFrame frame);
  }

  /**
   * Returns where the seal ends.
   *
   * @throws WireFormatException if a frame is bad, or the seal is missing
   */
  private static long readCompacted(Segment segment, long size, EachFrame each) {
    var reader = new FrameReader(segment.file(), segment.framesAt());
    long end = segment.endPosition();
    long frames = 0;
    long due = segment.firstPosition();
    while (true) {
      JournalFrame frame;
      try {
        frame = reader.next(size, due, end);
      } catch (WireFormatException e) {
        throw OtherFormatException.describe(segment.name().file(), reader.offset(), e);
      }
      if (frame == null) {
        throw new CorruptJournalException(
            segment.name().file(), reader.offset(), "the end of a compacted segment is missing");
      }
      if (frame.entry() instanceof JournalEntry.Sealed sealed) {
        if (frame.position() != end || sealed.frames() != frames || frame.endOffset() != size) {
          throw new CorruptJournalException(
              segment.name().file(), frame.offset(), "the seal of a compacted segment is wrong");
        }
        return frame.endOffset();
      }
      each.frame(frame);
      frames++;
      due = frame.position() + 1;
    }
  }

  private void recoverCompacted(SegmentName name) {
    Segment segment = Segment.open(disk, name);
    add(segment);
    readCompacted(
        segment,
        segment.file().sizeBytes(),
        frame -> {
          segment.extend(frame.position() + 1, frame.endOffset());
          replay.entry(frame.entry(), locate(segment, frame));
        });
    next = segment.endPosition();
    durable = Math.max(durable, next - 1);
  }

  private void recoverWritten(SegmentName name, boolean last) {
    if (last && isTornCreation(name)) {
      return;
    }
    Segment segment = Segment.open(disk, name);
    add(segment);
    long size = segment.file().sizeBytes();
    var reader = new FrameReader(segment.file(), Segment.HEADER_BYTES);
    try {
      for (JournalFrame frame = reader.next(size, next);
          frame != null;
          frame = reader.next(size, next)) {
        if (frame.entry() instanceof JournalEntry.Sealed) {
          cut(segment, frame.offset(), size, last, "the seal of a compacted segment is here");
          break;
        }
        durable = Math.max(durable, Math.min(frame.durable(), frame.position() - 1));
        segment.extend(frame.position() + 1, frame.endOffset());
        next = frame.position() + 1;
        replay.entry(frame.entry(), locate(segment, frame));
      }
    } catch (OtherFormatException e) {
      // It may be all that there is of something newer: nothing to cut off.
      throw OtherFormatException.describe(name.file(), reader.offset(), e);
    } catch (WireFormatException e) {
      if (!hasOnlyZeros(segment.file(), reader.offset(), size)) {
        cut(segment, reader.offset(), size, last, String.valueOf(e.getMessage()));
      } else if (last) {
        segment.allocated(size);
      }
    }
    if (!last) {
      durable = Math.max(durable, next - 1);
    }
  }

  /** Room that was made in advance; whether frames are missing is told by the mark. */
  private static boolean hasOnlyZeros(DiskFile file, long offset, long size) {
    var chunk = ByteBuffer.allocate((int) Math.min(COPY_BYTES, size - offset));
    for (long at = offset; at < size; at += chunk.limit()) {
      chunk.clear().limit((int) Math.min(chunk.capacity(), size - at));
      if (file.read(at, chunk) == 0) {
        // Somebody else has cut the file meanwhile.
        return false;
      }
      chunk.flip();
      while (chunk.hasRemaining()) {
        if (chunk.get() != 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static FrameLocation locate(Segment segment, JournalFrame frame) {
    return new FrameLocation(segment, frame.offset(), frame.lengthBytes(), frame.position());
  }

  /**
   * A segment's header is durable before its first frame is written: a file that holds no more than
   * a header, and not a good one, never had a frame: it is no torn tail, and nothing of it is kept.
   */
  private boolean isTornCreation(SegmentName name) {
    long size;
    try (DiskFile file = disk.open(name.file())) {
      size = file.sizeBytes();
    }
    if (size > Segment.HEADER_BYTES
        || name.firstPosition() <= durable
        || (size == Segment.HEADER_BYTES && hasGoodHeader(name))) {
      return false;
    }
    leftovers.add(name.file());
    return true;
  }

  private boolean hasGoodHeader(SegmentName name) {
    try {
      Segment.open(disk, name).file().close();
      return true;
    } catch (CorruptJournalException e) {
      return false;
    }
  }

  private void cut(Segment segment, long offset, long size, boolean last, String why) {
    Long provenTo = provenDurable(segment.file(), offset, size);
    String name = segment.name().file();
    if (!last || next <= durable || (provenTo != null && next <= provenTo)) {
      throw new CorruptJournalException(
          name, offset, why + " (position " + next + " had been made durable)");
    }
    String keptIn = TornTail.PREFIX + next + "-" + name;
    keepAside(segment.file(), offset, size, keptIn);
    segment.file().truncate(offset);
    segment.file().sync();
    tornTails.add(new TornTail(name, offset, size - offset, keptIn, why));
  }

  /**
   * The highest durable position that good frames behind the bad one tell of, or null. A value can
   * be made to look like many frames, each of which would have to be checked: who does not get to
   * an end takes it for damage, which changes nothing on disk.
   */
  private @Nullable Long provenDurable(DiskFile file, long offset, long size) {
    if (size - offset > Integer.MAX_VALUE - 64) {
      return null;
    }
    var bytes = ByteBuffer.allocate((int) (size - offset));
    readAll(file, offset, bytes);
    long maxPosition = next + bytes.limit() / JournalFrame.HEADER_BYTES;
    long mayCheckBytes = Math.max(MIN_CHECKED_BYTES, CHECKED_TIMES * (long) bytes.limit());
    Long proven = null;
    for (int at = 1; at < bytes.limit(); at++) {
      if (!JournalFrame.isPlausible(bytes, at, next + 1, maxPosition)) {
        continue;
      }
      mayCheckBytes -= JournalFrame.claimedBytes(bytes, at);
      if (mayCheckBytes < 0) {
        return Long.MAX_VALUE;
      }
      if (JournalFrame.hasGoodChecksum(bytes, at)) {
        long told = JournalFrame.durableAt(bytes, at);
        proven = proven == null ? told : Math.max(proven, told);
      }
    }
    return proven;
  }

  private void keepAside(DiskFile from, long offset, long size, String name) {
    try (DiskFile to = disk.open(name)) {
      to.truncate(0);
      var chunk = ByteBuffer.allocate(COPY_BYTES);
      for (long at = offset; at < size; at += COPY_BYTES) {
        chunk.clear().limit((int) Math.min(COPY_BYTES, size - at));
        readAll(from, at, chunk);
        to.write(at - offset, chunk);
      }
      to.sync();
    }
    disk.syncDirectory();
  }

  /**
   * What is not seen is neither proved nor kept: whoever reads less than there is, cuts nothing.
   */
  private static void readAll(DiskFile file, long offset, ByteBuffer target) {
    int wanted = target.remaining();
    int read = file.read(offset, target);
    target.flip();
    if (read < wanted) {
      throw new CorruptJournalException(
          file.name(), offset + read, "the file ends " + (wanted - read) + " bytes early");
    }
  }
}
