package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.port.Disk;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Opens a journal's segments by an image, if it is the image of what is there: the same files of
 * the same lengths, and the last frame is the one that was written when the image was made. Nothing
 * writes behind that frame without making the last file longer.
 */
final class ImageCheck {
  private static final int MAX_CLOSED_BYTES = 64;

  private ImageCheck() {}

  static JournalRecovery.@Nullable Result restore(
      Disk disk, FrameTable frames, JournalImage image) {
    List<SegmentName> there =
        disk.list().stream().map(SegmentName::parse).filter(Objects::nonNull).sorted().toList();
    if (!there.equals(image.segments().stream().map(SegmentImage::name).sorted().toList())) {
      return null;
    }
    var segments = new ArrayList<Segment>();
    try {
      long due = 1;
      for (SegmentImage each : image.segments()) {
        Segment segment = Segment.restore(disk, each);
        if (segment == null) {
          return closed(segments);
        }
        segments.add(segment);
        if (segment.firstPosition() != due) {
          return closed(segments);
        }
        due = segment.endPosition();
        frames.restore(segment, each.number());
      }
      if (due != image.closedPosition() + 1 || !endsInOrder(segments, image)) {
        return closed(segments);
      }
    } catch (RuntimeException e) {
      closed(segments);
      throw e;
    }
    return new JournalRecovery.Result(
        segments, List.of(), image.closedPosition() + 1, image.closedPosition(), 0);
  }

  private static boolean endsInOrder(List<Segment> segments, JournalImage image) {
    Segment last = segments.get(segments.size() - 1);
    long length = last.endOffset() - image.closedOffset();
    if (last.isCompacted() || length < JournalFrame.HEADER_BYTES || length > MAX_CLOSED_BYTES) {
      return false;
    }
    try {
      JournalFrame frame = last.readFrame(image.closedOffset(), (int) length);
      return frame.entry() instanceof JournalEntry.Closed
          && frame.position() == image.closedPosition();
    } catch (CorruptJournalException e) {
      return false;
    }
  }

  private static JournalRecovery.@Nullable Result closed(List<Segment> segments) {
    segments.forEach(segment -> segment.file().close());
    return null;
  }
}
