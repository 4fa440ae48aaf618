package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Opens the segments of a journal, and decides about what cannot be read: behind everything that
 * was made durable it is a torn tail, kept aside and cut off; before that it is damage, and nothing
 * is touched.
 */
final class JournalRecovery {
  /** What was found. */
  record Result(
      List<Segment> segments, List<TornTail> tornTails, long nextPosition, long durablePosition) {}

  private static final int COPY_BYTES = 1 << 20;

  private final Disk disk;
  private final Journal.Replay replay;
  private final List<Segment> segments = new ArrayList<>();
  private final List<TornTail> tornTails = new ArrayList<>();
  private long durable;
  private long next = 1;

  JournalRecovery(Disk disk, long markedDurable, Journal.Replay replay) {
    this.disk = disk;
    this.durable = markedDurable;
    this.replay = replay;
  }

  Result run() {
    try {
      List<String> names = disk.list().stream().filter(Segment::isSegmentName).sorted().toList();
      for (int i = 0; i < names.size(); i++) {
        recover(names.get(i), i == names.size() - 1);
      }
      if (next - 1 < durable) {
        throw new CorruptJournalException(
            segments.isEmpty() ? DurableMark.NAME : lastSegment().name(),
            segments.isEmpty() ? 0 : lastSegment().endOffset(),
            "the journal ends at position " + (next - 1) + ", but " + durable + " was durable");
      }
      return new Result(segments, tornTails, next, durable);
    } catch (RuntimeException e) {
      segments.forEach(segment -> segment.file().close());
      throw e;
    }
  }

  private Segment lastSegment() {
    return segments.get(segments.size() - 1);
  }

  private void recover(String name, boolean last) {
    long firstPosition = Segment.firstPositionOf(name);
    if (last && isTornCreation(name, firstPosition)) {
      return;
    }
    if (firstPosition != next) {
      throw new CorruptJournalException(
          name, 0, "it begins at position " + firstPosition + ", but " + next + " is due");
    }
    Segment segment = Segment.open(disk, name);
    segments.add(segment);
    long size = segment.file().sizeBytes();
    var reader = new FrameReader(segment.file(), Segment.HEADER_BYTES);
    try {
      for (JournalFrame frame = reader.next(size, next);
          frame != null;
          frame = reader.next(size, next)) {
        durable = Math.max(durable, Math.min(frame.durable(), frame.position() - 1));
        segment.extend(frame.position() + 1, frame.endOffset());
        next = frame.position() + 1;
        replay.entry(frame.entry(), locate(segment, frame));
      }
    } catch (WireFormatException e) {
      cut(segment, reader.offset(), size, last, String.valueOf(e.getMessage()));
    }
    if (!last) {
      durable = Math.max(durable, next - 1);
    }
  }

  private static FrameLocation locate(Segment segment, JournalFrame frame) {
    return new FrameLocation(segment, frame.offset(), frame.lengthBytes(), frame.position());
  }

  /**
   * A segment's header is durable before its first frame is written; a shorter file never had one.
   */
  private boolean isTornCreation(String name, long firstPosition) {
    try (DiskFile file = disk.open(name)) {
      if (file.sizeBytes() >= Segment.HEADER_BYTES || firstPosition <= durable) {
        return false;
      }
      tornTails.add(new TornTail(name, 0, file.sizeBytes(), name, "its creation was cut short"));
    }
    disk.delete(name);
    return true;
  }

  private void cut(Segment segment, long offset, long size, boolean last, String why) {
    Long provenTo = provenDurable(segment.file(), offset, size);
    if (!last || next <= durable || (provenTo != null && next <= provenTo)) {
      throw new CorruptJournalException(
          segment.name(), offset, why + " (position " + next + " had been made durable)");
    }
    String keptIn = "torn-" + next + "-" + segment.name();
    keepAside(segment.file(), offset, size, keptIn);
    segment.file().truncate(offset);
    segment.file().sync();
    tornTails.add(new TornTail(segment.name(), offset, size - offset, keptIn, why));
  }

  /** The highest durable position that good frames behind the bad one tell of, or null. */
  private @Nullable Long provenDurable(DiskFile file, long offset, long size) {
    if (size - offset > Integer.MAX_VALUE - 64) {
      return null;
    }
    var bytes = ByteBuffer.allocate((int) (size - offset));
    file.read(offset, bytes);
    bytes.flip();
    long maxPosition = next + bytes.limit() / JournalFrame.HEADER_BYTES;
    Long proven = null;
    for (int at = 1; at < bytes.limit(); at++) {
      if (JournalFrame.isPlausible(bytes, at, next + 1, maxPosition)
          && JournalFrame.hasGoodChecksum(bytes, at)) {
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
        from.read(at, chunk);
        to.write(at - offset, chunk.flip());
      }
      to.sync();
    }
    disk.syncDirectory();
  }
}
