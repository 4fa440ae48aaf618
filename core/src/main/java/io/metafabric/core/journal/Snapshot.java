package io.metafabric.core.journal;

import io.metafabric.core.error.PositionNotKeptException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Disk;

/**
 * Copies what is live while writers go on, without a pause.
 *
 * <p>First everything up to the position at which it began that is still live when it is come by;
 * then every single entry that was written meanwhile. What was replaced during the first part is
 * among the second, so the copy is the state at the position at which it ended.
 */
public final class Snapshot {
  /**
   * @param entries copied
   * @param position up to which the copy is complete
   */
  public record Result(long entries, long position) {}

  private Snapshot() {}

  /**
   * Writes a journal into an empty directory, durably.
   *
   * @param liveness knows what is part of the present state
   * @throws PositionNotKeptException if more was written meanwhile than is kept for readers
   * @throws StorageException if a disk refuses, or the journal is damaged: the copy is unusable
   */
  public static Result write(Journal journal, Liveness liveness, Disk target) {
    try (Journal.Pin pin = journal.pin(journal.publishedPosition());
        var copy = new JournalCopy(target, journal.segmentBytes())) {
      long begun = pin.position();
      JournalCursor live = journal.cursorAfter(0);
      for (JournalEntry entry = live.next();
          entry != null && live.position() <= begun;
          entry = live.next()) {
        JournalEntry kept = liveness.kept(entry, live.position());
        if (kept != null) {
          copy.add(kept, live.position());
        }
      }
      long until = journal.publishedPosition();
      JournalCursor since = journal.completeCursorAfter(begun);
      while (since.position() < until) {
        JournalEntry entry = since.next();
        if (entry == null) {
          throw new IllegalStateException("a published entry is missing at " + since.position());
        }
        if (!(entry instanceof JournalEntry.Closed)) {
          copy.add(entry, since.position());
        }
      }
      return new Result(copy.finish(until), until);
    }
  }
}
