package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.JournalCursor;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * This node's own changes on their way to one peer: reads the journal behind what the peer has
 * acknowledged, and goes back there when something was lost. Nothing is queued beside the journal
 * but what is under way. Not thread-safe.
 */
final class ChangeStream {
  /**
   * @param position of the last journal entry that it accounts for
   */
  record Batch(Frame.Changes frame, long position, int bytes) {}

  /** Foreign entries are skipped; after this many the caller gets its turn. */
  private static final int MAX_SCAN = 10_000;

  private final RecordStore store;
  private final int batchBytes;
  private final Function<MetadataRecord, MetadataRecord> outgoing;
  private final Deque<Batch> inFlight = new ArrayDeque<>();

  private VersionVector acknowledged;
  private long acknowledgedPosition;
  private VersionVector sent;
  private JournalCursor cursor;
  private @Nullable MetadataRecord lookedAhead;

  // The other versions of the entry that was read last, and where the cursor was before it.
  private final Deque<MetadataRecord> beside = new ArrayDeque<>();
  private long positionBefore;
  private @Nullable Batch refused;
  private long inFlightBytes;

  /**
   * @param acknowledged what the peer says it has
   * @param fromPosition the peer needs nothing at or before this
   * @param outgoing decides whether a record goes with its payload
   */
  ChangeStream(
      RecordStore store,
      int batchBytes,
      VersionVector acknowledged,
      long fromPosition,
      Function<MetadataRecord, MetadataRecord> outgoing) {
    this.store = store;
    this.batchBytes = batchBytes;
    this.outgoing = outgoing;
    this.acknowledged = acknowledged;
    this.acknowledgedPosition = fromPosition;
    this.sent = acknowledged;
    this.cursor = store.cursorAfter(fromPosition);
  }

  /**
   * The next batch to send, or null if there is none now.
   *
   * @throws StorageException if what is next cannot be read; what is before it has been given out,
   *     and nothing behind it is, because the peer would take that for complete
   */
  @Nullable Batch next() {
    Batch again = refused;
    if (again != null) {
      refused = null;
      return again;
    }
    var records = new ArrayList<MetadataRecord>();
    int bytes = 0;
    long after = 0;
    long position = cursor.position();
    for (int scanned = 0; scanned < MAX_SCAN && bytes < batchBytes; scanned++) {
      MetadataRecord record;
      try {
        record = lookedAhead != null ? lookedAhead : nextUnsent();
      } catch (StorageException e) {
        if (records.isEmpty()) {
          throw e;
        }
        break; // the next call comes by it again
      }
      lookedAhead = null;
      if (record == null) {
        if (cursor.position() >= store.publishedPosition()) {
          break;
        }
        continue;
      }
      MetadataRecord out = outgoing.apply(record);
      int more = RecordCodec.estimatedBytes(out);
      boolean fits = bytes + more <= batchBytes && isOfSameActor(record, records);
      if (!records.isEmpty() && !fits) {
        lookedAhead = record;
        break;
      }
      if (records.isEmpty()) {
        after = sent.counter(actorOf(record));
      }
      // At once: the same write may be journaled again within this batch.
      sent = sent.with(record.header().version().dot());
      records.add(out);
      bytes += more;
      position = beside.isEmpty() ? cursor.position() : positionBefore;
    }
    if (records.isEmpty()) {
      if (inFlight.isEmpty() && lookedAhead == null && beside.isEmpty()) {
        acknowledgedPosition = cursor.position();
      }
      return null;
    }
    return batch(records, after, position, bytes);
  }

  private static Batch batch(List<MetadataRecord> records, long after, long position, int bytes) {
    ActorId actor = actorOf(records.get(0));
    Dot last = records.get(records.size() - 1).header().version().dot();
    var frame = new Frame.Changes(actor, after, last.counter(), records);
    return new Batch(frame, position, bytes);
  }

  /**
   * The next entry if it is one of ours that was not sent; null if it is another or there is none.
   * One that has several of ours is given as several.
   */
  private @Nullable MetadataRecord nextUnsent() {
    if (beside.isEmpty()) {
      positionBefore = cursor.position();
      if (cursor.next() instanceof JournalEntry.Stored stored) {
        addUnsent(stored.record());
      }
    }
    return beside.poll();
  }

  private void addUnsent(MetadataRecord record) {
    for (Sibling each : record.versions()) {
      Dot dot = each.header().version().dot();
      // Journaled again with a larger context, or beside a sibling, it keeps its dot: the peer
      // joins what it knows itself. Where it was first written it is the newest of its actor;
      // others of ours that are there too may not be anywhere else any more.
      if (store.isOwn(dot.actor()) && !sent.contains(dot)) {
        beside.add(new MetadataRecord(record.key(), each.header(), each.payload()));
      }
    }
    if (beside.size() > 1) {
      var inOrder = new ArrayList<>(beside);
      inOrder.sort(Comparator.comparingLong(each -> each.header().version().dot().counter()));
      beside.clear();
      beside.addAll(inOrder);
    }
  }

  private static boolean isOfSameActor(MetadataRecord record, List<MetadataRecord> records) {
    return records.isEmpty() || actorOf(record).equals(actorOf(records.get(0)));
  }

  private static ActorId actorOf(MetadataRecord record) {
    return record.header().version().dot().actor();
  }

  /** The batch is under way. */
  void sent(Batch batch) {
    inFlight.add(batch);
    inFlightBytes += batch.bytes();
  }

  /** There was no room for it: {@link #next} gives it again. */
  void refused(Batch batch) {
    refused = batch;
  }

  /** Returns whether this acknowledged anything new. */
  boolean acknowledge(ActorId actor, long counter) {
    boolean news = false;
    while (!inFlight.isEmpty()) {
      Batch head = inFlight.peek();
      if (!head.frame().actor().equals(actor) || head.frame().upTo() > counter) {
        break;
      }
      inFlight.remove();
      inFlightBytes -= head.bytes();
      acknowledgedPosition = head.position();
      news = true;
    }
    if (counter > acknowledged.counter(actor)) {
      acknowledged = acknowledged.with(new Dot(actor, counter));
      news = true;
    }
    return news;
  }

  /** Sends everything again that was not acknowledged. */
  void rewind() {
    inFlight.clear();
    inFlightBytes = 0;
    refused = null;
    lookedAhead = null;
    beside.clear();
    sent = acknowledged;
    cursor = store.cursorAfter(acknowledgedPosition);
  }

  /** Whether the peer has acknowledged every published change. */
  boolean isDrained() {
    return inFlight.isEmpty()
        && refused == null
        && lookedAhead == null
        && beside.isEmpty()
        && cursor.position() >= store.publishedPosition();
  }

  boolean hasUnread() {
    return refused != null
        || lookedAhead != null
        || !beside.isEmpty()
        || cursor.position() < store.publishedPosition();
  }

  boolean hasInFlight() {
    return !inFlight.isEmpty();
  }

  long inFlightBytes() {
    return inFlightBytes;
  }

  long acknowledgedPosition() {
    return acknowledgedPosition;
  }

  VersionVector acknowledged() {
    return acknowledged;
  }
}
