package io.metafabric.core.store;

import io.metafabric.core.error.SnapshotTokenException;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.Liveness;
import io.metafabric.core.journal.SnapshotBatchWriter;
import io.metafabric.core.journal.SnapshotCursor;
import io.metafabric.core.journal.SnapshotToken;
import io.metafabric.core.journal.SnapshotToken.Phase;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A store's records as a stream of batches, for {@link SnapshotFill}, while writers go on.
 *
 * <p>First the present records of the keys that the reader named, in its order; then all others
 * that are live, in the journal's order; then every record that was written meanwhile. Records that
 * were named come a second time in their place. All of it together is the state at the position at
 * which it ends, and the last batch says of which regions' changes it has how many.
 *
 * <p>Holds one batch, and keeps compaction away from what it still needs, within the bound on what
 * is kept for readers, until it is closed. Not thread-safe. After a failure it is of no use, but
 * its token is.
 */
public final class SnapshotStream implements AutoCloseable {
  private final RecordStore store;
  private final Journal journal;
  private final Journal.Pin pin;
  private final Iterator<Key> named;
  private final SnapshotCursor cursor;
  private final int batchBytes;
  private final SnapshotBatchWriter batch;
  private List<JournalEntry.Applied> applied = List.of();
  private SnapshotToken token;
  private boolean unusable;

  private SnapshotStream(
      RecordStore store,
      Journal journal,
      Liveness liveness,
      Journal.Pin pin,
      Iterator<Key> named,
      SnapshotToken from,
      int batchBytes) {
    this.store = store;
    this.journal = journal;
    this.pin = pin;
    this.named = named;
    this.token = from;
    this.batchBytes = batchBytes;
    this.batch = new SnapshotBatchWriter(batchBytes + batchBytes / 4);
    long after = from.phase() == Phase.NAMED ? 0 : from.place();
    this.cursor = new SnapshotCursor(journal, liveness, from.begin(), after, this::end);
  }

  static SnapshotStream open(
      RecordStore store,
      Journal journal,
      Liveness liveness,
      Iterable<Key> first,
      @Nullable SnapshotToken from,
      int batchBytes) {
    if (batchBytes < 1) {
      throw new IllegalArgumentException("batchBytes must be >= 1, was " + batchBytes);
    }
    Journal.Pin pin = from == null ? journal.pinPublished() : reserve(store, journal, from);
    try {
      SnapshotToken token =
          from == null
              ? SnapshotToken.beginning(store.nodeId(), store.actor(), pin.position())
              : from;
      return new SnapshotStream(
          store, journal, liveness, pin, remaining(first, token), token, batchBytes);
    } catch (RuntimeException e) {
      // The iterable is the caller's, and may fail.
      pin.close();
      throw e;
    }
  }

  private static Iterator<Key> remaining(Iterable<Key> first, SnapshotToken token) {
    Iterator<Key> named = first.iterator();
    if (token.phase() == Phase.NAMED) {
      for (long i = 0; i < token.place() && named.hasNext(); i++) {
        named.next();
      }
    }
    return named;
  }

  /**
   * Keeps what {@code token} needs.
   *
   * @throws io.metafabric.core.error.PositionNotKeptException if some of it is gone
   */
  static Journal.Pin reserve(RecordStore store, Journal journal, SnapshotToken token) {
    if (token.nodeId() != store.nodeId()) {
      throw new SnapshotTokenException(
          "the token is of a snapshot of another directory: "
              + Long.toHexString(token.nodeId())
              + ", this is "
              + Long.toHexString(store.nodeId())
              + "; go on there, or begin a new snapshot here");
    }
    if (token.seen() > journal.announcedPosition()
        || !token.opening().equals(store.openingAt(token.seen()))) {
      throw new SnapshotTokenException(
          "the snapshot had seen position "
              + token.seen()
              + ", which this directory has lost since, in a power failure or because an older copy"
              + " of it was restored; begin a new snapshot");
    }
    Journal.Pin pin = journal.pin(token.needsAfter());
    try {
      if (!token.isEnded()) {
        // Made to see whether it can be.
        journal.completeCursorAfter(token.needsAfter());
      }
      return pin;
    } catch (RuntimeException e) {
      pin.close();
      throw e;
    }
  }

  /** What is applied is read first: so it is said of changes in front of the end only. */
  private long end() {
    applied = store.applied();
    return journal.announcedPosition();
  }

  /**
   * How far the batches that were returned have come. A reader that has applied a batch goes on
   * from the token behind it, wherever the stream is.
   */
  public SnapshotToken token() {
    return token;
  }

  /**
   * The next batch, or null if the last one has been returned. Batches end with the record that
   * reaches the stream's {@code batchBytes}. The last has, for each actor of which the store has
   * applied changes, a few dozen bytes more. A batch without records means that what is next is
   * being published just now.
   *
   * @throws io.metafabric.core.error.PositionNotKeptException if more was written since the
   *     snapshot began than is kept for readers
   * @throws io.metafabric.core.error.StorageException if the disk refuses, or the journal is
   *     damaged
   */
  public byte @Nullable [] next() {
    if (unusable) {
      throw new IllegalStateException("the stream has ended or failed; go on from its token");
    }
    if (token.isEnded()) {
      return null;
    }
    unusable = true;
    byte[] bytes = nextBatch();
    unusable = false;
    return bytes;
  }

  private byte[] nextBatch() {
    batch.begin(token);
    Phase phase = token.phase();
    long place = token.place();
    if (phase == Phase.NAMED) {
      place += addNamed();
      if (!named.hasNext()) {
        phase = Phase.ORDERED;
      }
    }
    if (phase == Phase.ORDERED) {
      addOrdered();
      place = cursor.position();
      if (cursor.isDone()) {
        batch.seal(applied, place);
        phase = Phase.ENDED;
      }
    }
    // Asked for last: whatever was left out was left out for something up to here.
    token = token.at(phase, place, store.actor(), journal.announcedPosition());
    return batch.end(token);
  }

  private long addNamed() {
    long keys = 0;
    while (batch.bytes() < batchBytes && named.hasNext()) {
      MetadataRecord record = store.read(named.next());
      if (record != null) {
        batch.addNamed(record);
      }
      keys++;
    }
    return keys;
  }

  private void addOrdered() {
    while (batch.bytes() < batchBytes && !cursor.isDone()) {
      JournalEntry entry = cursor.next();
      if (entry instanceof JournalEntry.Stored stored) {
        batch.addRecord(stored.record(), cursor.position());
      } else if (entry == null) {
        return;
      }
    }
  }

  /** Lets compaction go on. A token can still be gone on from, while what it needs is there. */
  @Override
  public void close() {
    unusable = true;
    pin.close();
  }
}
