package io.metafabric.core.journal;

import io.metafabric.core.error.PositionNotKeptException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Disk;
import java.util.concurrent.locks.LockSupport;

/** Copies the present state into another directory while writers go on, without a pause. */
public final class Snapshot {
  /**
   * @param entries copied
   * @param position up to which the copy is complete
   */
  public record Result(long entries, long position) {}

  private static final long WHILE_PUBLISHING_NANOS = 50_000;

  private Snapshot() {}

  /**
   * Writes a journal into an empty directory, durably.
   *
   * @param liveness knows what is part of the present state
   * @throws PositionNotKeptException if more was written meanwhile than is kept for readers
   * @throws StorageException if a disk refuses, or the journal is damaged: the copy is unusable
   */
  public static Result write(Journal journal, Liveness liveness, Disk target) {
    try (Journal.Pin pin = journal.pinPublished();
        var copy = new JournalCopy(target, journal.segmentBytes())) {
      var cursor =
          new SnapshotCursor(journal, liveness, pin.position(), 0, journal::announcedPosition);
      while (!cursor.isDone()) {
        JournalEntry entry = cursor.next();
        if (entry != null) {
          copy.add(entry, cursor.position());
        } else if (!cursor.isDone()) {
          LockSupport.parkNanos(WHILE_PUBLISHING_NANOS);
        }
      }
      return new Result(copy.finish(cursor.position()), cursor.position());
    }
  }
}
