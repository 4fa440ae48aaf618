package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.JournalCursor;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What has been read of the journal and not sent yet, a batch at most: this directory's own changes
 * of one actor in the order of their counters, without those of which a later one says all, or of
 * which nothing but the counter is left. Not thread-safe.
 *
 * <p>A change and the one that replaces it are never in two batches: whoever acknowledges the first
 * may have had it when it was sent before, without the later change in it.
 */
final class ReadAhead {
  /** Others' entries are skipped; after this many the caller gets its turn. */
  private static final int MAX_SCAN = 10_000;

  /** Changes left out of a batch: one key that is written for ever must go some time. */
  private static final int MAX_LEFT_OUT = 4096;

  /**
   * @param record null if nothing is left of the write but its counter
   */
  private record Own(Dot dot, @Nullable MetadataRecord record) {}

  private final RecordStore store;
  private final int maxBytes;
  private final Function<MetadataRecord, MetadataRecord> outgoing;
  private final JournalCursor cursor;
  private final List<@Nullable MetadataRecord> gathered = new ArrayList<>();
  private final Map<Key, Integer> places = new HashMap<>();
  private VersionVector known;
  private @Nullable ActorId actor;
  private long readUpTo;
  private @Nullable Own lookedAhead;
  private boolean hasNews;

  // The other versions of the entry that was read last, in the order of their counters.
  private final Deque<Own> beside = new ArrayDeque<>();
  private long position;
  private int bytes;
  private long coalesced;
  private long firstLacking = Long.MAX_VALUE;
  private long lastLacking;

  /**
   * @param maxBytes a batch has no more, unless a single change has
   * @param after position behind which it reads
   * @param known changes that the peer has
   * @param outgoing decides whether a record goes with its payload
   */
  ReadAhead(
      RecordStore store,
      int maxBytes,
      long after,
      VersionVector known,
      Function<MetadataRecord, MetadataRecord> outgoing) {
    this.store = store;
    this.maxBytes = maxBytes;
    this.known = known;
    this.outgoing = outgoing;
    this.cursor = store.cursorAfter(after);
    this.position = after;
  }

  /**
   * Reads on while there is room.
   *
   * @throws StorageException if what is next cannot be read, and nothing before it is left
   */
  void read() {
    for (int scanned = 0; scanned < MAX_SCAN; scanned++) {
      try {
        if (!readOne()) {
          return;
        }
      } catch (StorageException e) {
        if (!hasNews) {
          throw e;
        }
        return; // the next call comes by it again
      }
    }
  }

  /** Returns whether there may be more, and room for it. */
  private boolean readOne() {
    Own own = lookedAhead != null ? lookedAhead : beside.poll();
    boolean more = own != null;
    if (own == null) {
      long before = cursor.position();
      JournalEntry entry = cursor.next();
      // Afterwards: what compaction dropped while this was read, was dropped.
      noteLacking(before);
      more = entry != null;
      own = ownOf(entry);
    }
    if (own != null && isNews(own.dot())) {
      MetadataRecord out = toSend(own.record());
      if (hasNews && !fits(own.dot(), out)) {
        lookedAhead = own;
        return false;
      }
      readTo(own.dot());
      if (out != null) {
        add(out);
      }
    }
    lookedAhead = null;
    if (beside.isEmpty()) {
      position = cursor.position();
    }
    return more || position < store.publishedPosition();
  }

  /** Of what is forgotten nothing is left but its counter. */
  private @Nullable MetadataRecord toSend(@Nullable MetadataRecord own) {
    return own == null || store.wasReplacedByForgotten(own) ? null : outgoing.apply(own);
  }

  private @Nullable Own ownOf(@Nullable JournalEntry entry) {
    if (entry instanceof JournalEntry.Stored stored) {
      return first(stored.record());
    }
    return entry instanceof JournalEntry.Applied applied
        ? new Own(new Dot(applied.actor(), applied.counter()), null)
        : null;
  }

  /**
   * Of several versions that are kept beside each other the first that was written; the others
   * follow. Where one of ours was first journaled it is the newest of its actor, be it in front or
   * not; others of ours that are there too may not be anywhere else any more.
   */
  private Own first(MetadataRecord record) {
    if (!record.hasSiblings()) {
      return new Own(record.header().version().dot(), record);
    }
    var versions = new ArrayList<Own>();
    for (Sibling each : record.versions()) {
      versions.add(
          new Own(
              each.header().version().dot(),
              new MetadataRecord(record.key(), each.header(), each.payload())));
    }
    versions.sort(Comparator.comparingLong(each -> each.dot().counter()));
    beside.addAll(versions.subList(1, versions.size()));
    return versions.get(0);
  }

  private boolean isNews(Dot dot) {
    // Journaled again with a larger context, it keeps its dot: the peer joins contexts itself.
    long upTo = dot.actor().equals(actor) ? readUpTo : known.counter(dot.actor());
    // What this directory had lost and got back from a peer is not in the order of its counters.
    return dot.counter() > upTo && store.isIssuedHere(dot);
  }

  private boolean fits(Dot dot, @Nullable MetadataRecord record) {
    return dot.actor().equals(actor)
        && gathered.size() - places.size() < MAX_LEFT_OUT
        && bytes + (record == null ? 0 : RecordCodec.estimatedBytes(record)) <= maxBytes;
  }

  private void readTo(Dot dot) {
    if (!dot.actor().equals(actor)) {
      begin(dot.actor());
    }
    readUpTo = dot.counter();
    hasNews = true;
  }

  private void add(MetadataRecord record) {
    Integer before = places.put(record.key(), gathered.size());
    gathered.add(record);
    bytes += RecordCodec.estimatedBytes(record);
    MetadataRecord earlier = before == null ? null : gathered.get(before);
    if (before != null && earlier != null && Coalescing.saysAll(record, earlier)) {
      gathered.set(before, null);
      bytes -= RecordCodec.estimatedBytes(earlier);
      coalesced++;
    }
  }

  private void begin(ActorId next) {
    ActorId before = actor;
    if (before != null && readUpTo > 0) {
      known = known.with(new Dot(before, readUpTo));
    }
    actor = next;
    readUpTo = known.counter(next);
  }

  /** The peer turns out to have more than was known: it was sent before, and did arrive. */
  void has(ActorId of, long counter) {
    known = known.with(new Dot(of, counter));
    if (of.equals(actor)) {
      readUpTo = Math.max(readUpTo, counter);
    }
  }

  /** Compaction has dropped some of what is next: what was replaced is missing. */
  private void noteLacking(long after) {
    long keptFrom = store.keptFrom();
    if (after + 1 < keptFrom) {
      firstLacking = Math.min(firstLacking, after + 1);
      lastLacking = Math.max(lastLacking, keptFrom - 1);
    }
  }

  /** Whose changes were read last; null if none were. */
  @Nullable ActorId actor() {
    return actor;
  }

  /** Whether anything is to be taken: changes, or only how far the actor got. */
  boolean hasNews() {
    return hasNews;
  }

  /** Takes what was gathered, in the order of counters. */
  List<MetadataRecord> take() {
    var taken = new ArrayList<MetadataRecord>(gathered.size());
    for (MetadataRecord each : gathered) {
      if (each != null) {
        taken.add(each);
      }
    }
    gathered.clear();
    places.clear();
    bytes = 0;
    hasNews = false;
    return taken;
  }

  boolean isEmpty() {
    return !hasNews && lookedAhead == null && beside.isEmpty();
  }

  /** Counter up to which the actor's changes were read, or need not be. */
  long readUpTo() {
    return readUpTo;
  }

  /** All entries up to here were gathered, or are not for the peer. */
  long position() {
    return position;
  }

  /** Whether all that is published has been read. */
  boolean isAtEnd() {
    return lookedAhead == null && beside.isEmpty() && position >= store.publishedPosition();
  }

  long bytes() {
    MetadataRecord next = lookedAhead == null ? null : lookedAhead.record();
    return (long) bytes + (next == null ? 0 : RecordCodec.estimatedBytes(next));
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

  /** What is met from now on counts. */
  void lackingIsNoted() {
    firstLacking = Long.MAX_VALUE;
    lastLacking = 0;
  }
}
