package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.PositionNotKeptException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import org.jspecify.annotations.Nullable;

/**
 * Reads published entries in order. Never blocks a writer, nor compaction. Not thread-safe.
 *
 * <p>What compaction has dropped was replaced by something later. A <em>complete</em> cursor says
 * so; another one skips it, and still comes by everything that is part of the present state.
 */
public final class JournalCursor {
  private final Journal journal;
  private final boolean complete;
  private long position;
  private @Nullable Segment segment;
  private @Nullable FrameReader reader;

  JournalCursor(Journal journal, long after, boolean complete) {
    this.journal = journal;
    this.position = after;
    this.complete = complete;
    requireKept();
  }

  /** Everything up to here has been read, or was dropped before it could be. */
  public long position() {
    return position;
  }

  /**
   * The next entry, or null if none is published yet. After a failure it can be called again, and
   * comes by the same place.
   *
   * @throws PositionNotKeptException if this cursor is complete, and what is next is not kept
   * @throws CorruptJournalException if it is damaged
   */
  public @Nullable JournalEntry next() {
    while (position < journal.publishedPosition()) {
      requireKept();
      Segment in = segment;
      if (in == null || in.isRetired() || position + 1 >= in.endPosition()) {
        in = journal.segmentWith(position + 1);
        if (in == null) {
          return null;
        }
        segment = in;
        reader = new FrameReader(in.file(), in.before(position + 1).offset());
      }
      JournalFrame frame = readFrom(in);
      if (frame != null) {
        position = frame.position();
        return frame.entry();
      }
    }
    return null;
  }

  private void requireKept() {
    if (complete && position + 1 < journal.keptFrom()) {
      throw new PositionNotKeptException(position + 1, journal.keptFrom());
    }
  }

  /** Null if the segment has nothing more, or another has taken its place. */
  private @Nullable JournalFrame readFrom(Segment in) {
    FrameReader from = reader;
    if (from == null) {
      throw new IllegalStateException("a segment without its reader");
    }
    try {
      while (true) {
        JournalFrame frame = from.next(in.endOffset(), in.firstPosition(), in.endPosition() - 1);
        if (frame == null) {
          if (!in.isCompacted()) {
            throw new CorruptJournalException(
                in.name().file(), from.offset(), "the file ends early");
          }
          position = in.endPosition() - 1;
          return null;
        }
        if (frame.position() > position) {
          return frame;
        }
      }
    } catch (WireFormatException | StorageException e) {
      // What the reader has of it is of no use; whoever calls again reads it anew.
      segment = null;
      if (in.isRetired()) {
        return null;
      }
      if (e instanceof WireFormatException) {
        throw new CorruptJournalException(
            in.name().file(), from.offset(), String.valueOf(e.getMessage()));
      }
      throw e;
    }
  }
}
