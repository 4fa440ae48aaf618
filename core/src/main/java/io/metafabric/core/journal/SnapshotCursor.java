package io.metafabric.core.journal;

import io.metafabric.core.error.PositionNotKeptException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads a consistent state out of a journal that is written to meanwhile. Not thread-safe.
 *
 * <p>First everything up to the position at which it began that is still live when it is come by;
 * then every single entry that was written meanwhile. What was replaced during the first part is
 * among the second, so all of it together is the state at the position at which it ends.
 */
public final class SnapshotCursor {
  private static final long NOT_YET = -1;

  private final Journal journal;
  private final Liveness liveness;
  private final long begin;
  private final LongSupplier end;
  private final JournalCursor live;
  private @Nullable JournalCursor since;
  private long position;
  private long until = NOT_YET;

  /**
   * @param liveness knows what is part of the present state
   * @param begin where the snapshot began; who keeps it pinned meets no failure within the bound
   * @param after up to here everything has been read, by this or by another cursor of the same
   *     begin
   * @param end is asked once, at the end of the first part, up to where to read on: at least to the
   *     journal's {@link Journal#announcedPosition}
   */
  public SnapshotCursor(
      Journal journal, Liveness liveness, long begin, long after, LongSupplier end) {
    this.journal = journal;
    this.liveness = liveness;
    this.begin = begin;
    this.end = end;
    this.position = after;
    this.live = journal.cursorAfter(after);
  }

  /** Everything up to here has been read. */
  public long position() {
    return position;
  }

  /** Whether what was read is the state at {@link #position()}. */
  public boolean isDone() {
    return until != NOT_YET && position >= until;
  }

  /**
   * The next entry; null at the end, or if what is next is not published yet.
   *
   * @throws PositionNotKeptException if more was written meanwhile than is kept for readers
   * @throws io.metafabric.core.error.StorageException if the journal is damaged, or has failed
   */
  public @Nullable JournalEntry next() {
    while (position < begin) {
      JournalEntry entry = nextLive();
      if (entry != null) {
        return entry;
      }
    }
    if (until == NOT_YET) {
      until = end.getAsLong();
    }
    return nextSince();
  }

  private @Nullable JournalEntry nextLive() {
    // Not only when it is come to: until then, much may have been read in vain.
    if (begin + 1 < journal.keptFrom()) {
      throw new PositionNotKeptException(begin + 1, journal.keptFrom());
    }
    JournalEntry entry = live.next();
    if (entry == null || live.position() > begin) {
      position = begin;
      return null;
    }
    position = live.position();
    return liveness.kept(entry, position);
  }

  private @Nullable JournalEntry nextSince() {
    JournalCursor from = since;
    if (from == null) {
      from = journal.completeCursorAfter(position);
      since = from;
    }
    while (position < until) {
      JournalEntry entry = from.next();
      if (entry == null) {
        journal.requireUsable();
        return null;
      }
      position = from.position();
      if (!(entry instanceof JournalEntry.Closed)) {
        return entry;
      }
    }
    return null;
  }
}
