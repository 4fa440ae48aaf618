package io.metafabric.core.store;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.conflict.ConflictLog;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Version;
import org.jspecify.annotations.Nullable;

/**
 * Writes to the conflict log the versions that are lost: nobody can read them any more, and whoever
 * replaced them had not seen them. Has no state beside the log, which any thread may add to; {@link
 * #lost} belongs to whoever holds the lock of the decisions.
 */
final class LostVersions {
  private final ConflictLog log;
  private final Decisions decisions;
  private final Clock clock;

  LostVersions(ConflictLog log, Decisions decisions, Clock clock) {
    this.log = log;
    this.decisions = decisions;
    this.clock = clock;
  }

  /** Of two concurrent writes of a key that which loses, to be logged once it has. */
  Conflict lost(MetadataRecord theirs, Header ours, boolean theirsWon) {
    Header lost = theirsWon ? ours : theirs.header();
    Header won = theirsWon ? theirs.header() : ours;
    Bytes payload = theirsWon ? payloadToLog(theirs.key()) : theirs.payload();
    return conflict(
        theirs.key(), new Sibling(lost, payload), won, Conflict.Reason.LAST_WRITER_WINS);
  }

  /** What is damaged has no value to be logged, and holds nothing up for that. */
  private @Nullable Bytes payloadToLog(Key key) {
    try {
      MetadataRecord known = decisions.newestRecord(key);
      return known == null ? null : known.payload();
    } catch (StorageException e) {
      return null;
    }
  }

  private Conflict conflict(Key key, Sibling lost, Header won, Conflict.Reason reason) {
    return new Conflict(
        key, lost.header(), won.version().dot(), lost.payload(), clock.wallMs(), reason);
  }

  /** Logs it before {@code done} is told, unless the disk refuses what has won. */
  Staged.Completion logged(Conflict conflict, Staged.Completion done) {
    return failure -> {
      if (failure == null) {
        log.add(conflict);
      }
      done.done(failure);
    };
  }

  /** There were too many versions of a key. */
  void logFallenOut(Siblings.Joined joined) {
    for (Sibling each : joined.fellOut()) {
      log.add(
          conflict(
              joined.record().key(),
              each,
              joined.record().header(),
              Conflict.Reason.TOO_MANY_SIBLINGS));
    }
  }

  /**
   * What was held of a region that was taken in again. Its region exports it as well, unless it has
   * lost its disk: then this is what is left.
   */
  void logDropped(MetadataRecord record) {
    for (Sibling each : record.versions()) {
      log.add(
          new Conflict(
              record.key(),
              each.header(),
              Version.NONE.dot(),
              each.payload(),
              clock.wallMs(),
              Conflict.Reason.HELD_AT_READMISSION));
    }
  }
}
