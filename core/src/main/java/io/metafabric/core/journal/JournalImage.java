package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import java.util.ArrayList;
import java.util.List;

/**
 * What an opening needs to know of a journal that was closed in order, so that it need not read it.
 * Immutable; docs/FORMAT.md has the bytes.
 */
public final class JournalImage {
  private static final int MIN_SEGMENT_BYTES = 16;
  private static final int MIN_CHECKPOINT_BYTES = 2;

  private final List<SegmentImage> segments;
  private final long closedPosition;
  private final long closedOffset;

  /**
   * @param segments all of them, in order
   * @param closedPosition of the last frame, which says that the end was in order
   * @param closedOffset of that frame in the last segment
   */
  JournalImage(List<SegmentImage> segments, long closedPosition, long closedOffset) {
    this.segments = List.copyOf(segments);
    this.closedPosition = closedPosition;
    this.closedOffset = closedOffset;
  }

  List<SegmentImage> segments() {
    return segments;
  }

  long closedPosition() {
    return closedPosition;
  }

  long closedOffset() {
    return closedOffset;
  }

  /**
   * Whether it is of the journal in {@code disk}, which nobody has open. Reads no more of that than
   * the beginning of each file and its last frame.
   */
  public boolean isOf(Disk disk) {
    if (DurableMark.in(disk) > closedPosition) {
      return false;
    }
    JournalRecovery.Result found = ImageCheck.restore(disk, new FrameTable(), this);
    if (found != null) {
      found.segments().forEach(segment -> segment.file().close());
    }
    return found != null;
  }

  public void writeTo(ByteWriter out) {
    out.varint(closedPosition).varint(closedOffset).varint(segments.size());
    for (SegmentImage each : segments) {
      out.i64(each.name().firstPosition()).varint(each.name().generation());
      out.varint(each.number()).varint(each.endPosition()).varint(each.endOffset());
      out.varint(each.fileBytes()).varint(each.checkpoints().size());
      for (Checkpoints.Checkpoint checkpoint : each.checkpoints()) {
        out.varint(checkpoint.position()).varint(checkpoint.offset());
      }
    }
  }

  /**
   * @throws WireFormatException if these are not the bytes of one
   */
  public static JournalImage readFrom(ByteReader in) {
    long closedPosition = in.varint("closed position");
    long closedOffset = in.varint("closed offset");
    int count = in.varint("segments", 1, in.remaining() / MIN_SEGMENT_BYTES);
    var segments = new ArrayList<SegmentImage>(count);
    for (int i = 0; i < count; i++) {
      segments.add(readSegment(in));
    }
    return new JournalImage(segments, closedPosition, closedOffset);
  }

  private static SegmentImage readSegment(ByteReader in) {
    long firstPosition = in.i64("first position");
    var name = new SegmentName(firstPosition, in.varint("generation", 0, Integer.MAX_VALUE));
    int number = in.varint("number", 1, FramePlace.MAX_SEGMENTS - 1);
    long endPosition = in.varint("end position");
    long endOffset = in.varint("end offset");
    long fileBytes = in.varint("file length");
    if (firstPosition < 1 || endPosition < firstPosition || endOffset > fileBytes) {
      throw new WireFormatException("a segment ends before it begins");
    }
    int count = in.varint("checkpoints", 0, in.remaining() / MIN_CHECKPOINT_BYTES);
    var checkpoints = new ArrayList<Checkpoints.Checkpoint>(count);
    for (int i = 0; i < count; i++) {
      checkpoints.add(
          new Checkpoints.Checkpoint(in.varint("position"), in.varint("checkpoint offset")));
    }
    return new SegmentImage(name, number, endPosition, endOffset, fileBytes, checkpoints);
  }
}
