package io.metafabric.core.store;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ObjLongConsumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The openings of this directory, the present one included: under which actor each wrote, from
 * which position of the journal on, and up to which counter. Thread-safe; one thread at a time
 * calls {@link #published}.
 */
final class Openings {
  private final long nodeId;
  private final ActorId actor;
  private final Set<ActorId> actors;
  // Who issues versions from each position on at which this directory was opened.
  private final NavigableMap<Long, ActorId> byPosition;

  // The newest write of each opening of this directory: kept even when it has been replaced, so
  // that the range of counters that a peer is told of ends where the actor ended.
  private final Map<ActorId, Long> newest = new ConcurrentHashMap<>();

  private volatile long publishedCounter;

  // The frame that says that this opening began; set before anything else is done.
  private volatile @Nullable FrameLocation begunAt;

  /**
   * Begins one, under a fresh actor.
   *
   * @param position of the first entry that it writes
   */
  Openings(StoreReplay replayed, long position, RandomGenerator random) {
    this.nodeId = replayed.nodeIdOr(random.nextLong());
    this.actor = replayed.freshActor(random);
    var own = new HashSet<>(replayed.ownActors());
    own.add(actor);
    this.actors = Set.copyOf(own);
    var opened = new TreeMap<>(replayed.openings());
    opened.put(position, actor);
    this.byPosition = Collections.unmodifiableNavigableMap(opened);
    newest.putAll(replayed.ownNewest());
  }

  long nodeId() {
    return nodeId;
  }

  /** Issues this opening's versions. */
  ActorId actor() {
    return actor;
  }

  /** Whether this or an earlier opening of this very directory wrote under {@code that}. */
  boolean isOwn(ActorId that) {
    return actors.contains(that);
  }

  /** The counter of the newest write of an opening that was published; 0 if there is none. */
  long newest(ActorId opened) {
    return newest.getOrDefault(opened, 0L);
  }

  /** Calls with each opening's actor that has written, and the counter of its newest write. */
  void forEachNewest(ObjLongConsumer<ActorId> consumer) {
    newest.forEach(consumer::accept);
  }

  /** The counter of this opening's newest published write; 0 if there is none. */
  long publishedCounter() {
    return publishedCounter;
  }

  /** A write of this opening's own. */
  void published(MetadataRecord record) {
    publishedCounter = newestOwn(record);
    newest.put(actor, publishedCounter);
  }

  private long newestOwn(MetadataRecord record) {
    long counter = ownCounter(record.header());
    for (Sibling each : record.siblings()) {
      counter = Math.max(counter, ownCounter(each.header()));
    }
    return counter;
  }

  private long ownCounter(Header header) {
    Dot dot = header.version().dot();
    return dot.actor().equals(actor) ? dot.counter() : 0;
  }

  /** Who issued this directory's versions when {@code position} was written. */
  ActorId at(long position) {
    var opened = byPosition.floorEntry(position);
    return opened == null ? actor : opened.getValue();
  }

  /** Whether a peer that knows {@code known} still has all that the note says. */
  boolean areKnown(VersionVector known, JournalEntry.Acknowledged note) {
    for (ActorId opened : byPosition.headMap(note.position(), true).values()) {
      long needed = opened.equals(note.actor()) ? note.counter() : newest(opened);
      if (known.counter(opened) < needed) {
        return false;
      }
    }
    return true;
  }

  /** How many of this directory's own writes {@code known} lacks, those replaced since included. */
  long writesBeyond(VersionVector known) {
    long beyond = 0;
    for (var each : newest.entrySet()) {
      beyond += Math.max(0, each.getValue() - known.counter(each.getKey()));
    }
    return beyond;
  }

  void begun(FrameLocation at) {
    begunAt = at;
  }

  /** Where the journal says that this opening began; null before it does. */
  @Nullable FrameLocation begunAt() {
    return begunAt;
  }

  void moved(JournalEntry.Opened opened, FrameLocation to) {
    if (opened.actor().equals(actor)) {
      begunAt = to;
    }
  }

  void describeTo(ByteWriter out) {
    out.varint(byPosition.size());
    byPosition.forEach(
        (position, opened) -> out.varint(position).i64(opened.id()).varint(newest(opened)));
  }
}
