package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.JournalCursor;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What has been read of the journal and not sent yet: this directory's own changes of one actor, of
 * each key the newest, in the place of the first. So whoever has all up to some place has of each
 * change before it either that change or one that says more. Not thread-safe.
 */
final class ReadAhead {
  /** Others' entries are skipped; after this many the caller gets its turn. */
  private static final int MAX_SCAN = 10_000;

  /** One change, and how far its place reaches. */
  static final class Place {
    private MetadataRecord record;
    private int bytes;
    private long upTo;
    private long position;

    private Place(MetadataRecord record, long upTo) {
      this.record = record;
      this.bytes = RecordCodec.estimatedBytes(record);
      this.upTo = upTo;
    }

    MetadataRecord record() {
      return record;
    }

    /** Counter up to which all is said by this and what is before it. */
    long upTo() {
      return upTo;
    }

    /** Position of the last journal entry of which the same is true. */
    long position() {
      return position;
    }
  }

  private final RecordStore store;
  private final int maxBytes;
  private final JournalCursor cursor;
  private final ArrayDeque<Place> places = new ArrayDeque<>();
  private final Map<Key, Place> newest = new HashMap<>();
  private VersionVector known;
  private @Nullable ActorId actor;
  private long readUpTo;
  private @Nullable MetadataRecord ofNextActor;
  private long position;
  private long bytes;
  private long coalesced;
  private long firstLacking = Long.MAX_VALUE;
  private long lastLacking;

  /**
   * @param after position behind which it reads
   * @param known changes that the peer has
   */
  ReadAhead(RecordStore store, int maxBytes, long after, VersionVector known) {
    this.store = store;
    this.maxBytes = maxBytes;
    this.known = known;
    this.cursor = store.cursorAfter(after);
    this.position = after;
  }

  /**
   * Reads on while there is room.
   *
   * @throws StorageException if what is next cannot be read, and nothing before it is left
   */
  void read() {
    for (int scanned = 0; scanned < MAX_SCAN && bytes < maxBytes; scanned++) {
      try {
        if (!readOne()) {
          break;
        }
      } catch (StorageException e) {
        if (places.isEmpty()) {
          throw e;
        }
        break; // the next call comes by it again
      }
    }
    Place last = places.peekLast();
    if (last != null) {
      last.position = position;
    }
  }

  /** Returns whether there may be more. */
  private boolean readOne() {
    MetadataRecord waited = ofNextActor;
    if (waited != null) {
      if (!places.isEmpty()) {
        return false;
      }
      ofNextActor = null;
      begin(actorOf(waited));
      add(waited);
      position = cursor.position();
      return true;
    }
    noteLacking();
    JournalEntry entry = cursor.next();
    if (entry instanceof JournalEntry.Stored stored && isNews(stored.record())) {
      MetadataRecord record = stored.record();
      if (!actorOf(record).equals(actor)) {
        if (!places.isEmpty()) {
          ofNextActor = record;
          return false;
        }
        begin(actorOf(record));
      }
      add(record);
    }
    position = cursor.position();
    return entry != null || position < store.publishedPosition();
  }

  private void begin(ActorId next) {
    ActorId before = actor;
    if (before != null && readUpTo > 0) {
      known = known.with(new Dot(before, readUpTo));
    }
    actor = next;
    readUpTo = known.counter(next);
  }

  private boolean isNews(MetadataRecord record) {
    Dot dot = record.header().version().dot();
    // Journaled again with a larger context, it keeps its dot: the peer joins contexts itself.
    long upTo = dot.actor().equals(actor) ? readUpTo : known.counter(dot.actor());
    return dot.counter() > upTo && store.isOwn(dot.actor());
  }

  private void add(MetadataRecord record) {
    readUpTo = record.header().version().dot().counter();
    Place last = places.peekLast();
    Place before = newest.get(record.key());
    if (before == null || last == null || !Coalescing.saysAll(record, before.record)) {
      if (last != null) {
        last.position = position;
      }
      var place = new Place(record, readUpTo);
      places.add(place);
      newest.put(record.key(), place);
      bytes += place.bytes;
      return;
    }
    coalesced++;
    bytes -= before.bytes;
    before.record = record;
    before.bytes = RecordCodec.estimatedBytes(record);
    bytes += before.bytes;
    last.upTo = readUpTo;
  }

  /** Compaction has dropped some of what is next: what was replaced is missing. */
  private void noteLacking() {
    long keptFrom = store.keptFrom();
    if (position + 1 < keptFrom) {
      firstLacking = Math.min(firstLacking, position + 1);
      lastLacking = Math.max(lastLacking, keptFrom - 1);
    }
  }

  private static ActorId actorOf(MetadataRecord record) {
    return record.header().version().dot().actor();
  }

  /** The first one that waits, or null. */
  @Nullable Place peek() {
    return places.peekFirst();
  }

  void remove() {
    Place first = places.removeFirst();
    bytes -= first.bytes;
    newest.remove(first.record.key(), first);
  }

  boolean isEmpty() {
    return places.isEmpty() && ofNextActor == null;
  }

  /** All entries up to here are in what waits or was taken, or are not for the peer. */
  long position() {
    return position;
  }

  /** Whether all that is published has been read. */
  boolean isAtEnd() {
    return ofNextActor == null && position >= store.publishedPosition();
  }

  long bytes() {
    return bytes;
  }

  long coalesced() {
    return coalesced;
  }

  /** Up to which position some entries were not kept any more; 0 if all were. */
  long lackingUpTo() {
    return lastLacking;
  }

  long lackingFrom() {
    return firstLacking;
  }
}
