package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.WireFormatException;
import org.jspecify.annotations.Nullable;

/** Reads published entries in order. Never blocks a writer. Not thread-safe. */
public final class JournalCursor {
  private final Journal journal;
  private long position;
  private @Nullable Segment segment;
  private @Nullable FrameReader reader;

  JournalCursor(Journal journal, long after) {
    this.journal = journal;
    this.position = after;
  }

  /** Position of the entry that {@link #next} gave last. */
  public long position() {
    return position;
  }

  /**
   * The next entry, or null if none is published yet.
   *
   * @throws CorruptJournalException if it is damaged
   */
  public @Nullable JournalEntry next() {
    long due = position + 1;
    if (due > journal.publishedPosition()) {
      return null;
    }
    FrameReader from = readerAt(due);
    Segment in = segment;
    if (from == null || in == null) {
      return null;
    }
    JournalFrame frame = read(from, in, due);
    position = due;
    return frame.entry();
  }

  private @Nullable FrameReader readerAt(long due) {
    if (segment != null && reader != null && due < segment.endPosition()) {
      return reader;
    }
    Segment next = journal.segmentWith(due);
    if (next == null) {
      return null;
    }
    var checkpoint = next.before(due);
    var from = new FrameReader(next.file(), checkpoint.offset());
    for (long skipped = checkpoint.position(); skipped < due; skipped++) {
      read(from, next, skipped);
    }
    segment = next;
    reader = from;
    return from;
  }

  private static JournalFrame read(FrameReader from, Segment in, long position) {
    try {
      JournalFrame frame = from.next(in.endOffset(), position);
      if (frame == null) {
        throw new CorruptJournalException(in.name(), from.offset(), "the file ends early");
      }
      return frame;
    } catch (WireFormatException e) {
      throw new CorruptJournalException(in.name(), from.offset(), String.valueOf(e.getMessage()));
    }
  }
}
