package io.metafabric.replicate;

import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How far a peer has acknowledged this directory's changes, over connections and restarts, and what
 * it could not be told any more. Belongs to the loop.
 */
final class Progress {
  /** A restart reads so many entries again at most, and those of the last second. */
  private static final long NOTE_EVERY_ENTRIES = 1024;

  private static final Duration NOTE_EVERY = Duration.ofSeconds(1);

  private final RegionName peer;
  private final RecordStore store;
  private final Clock clock;

  private @Nullable VersionVector acknowledged;
  private long position;
  private long lackingFrom;
  private long lackingUpTo;
  private long notedPosition;
  private long notedNanos;

  Progress(RegionName peer, RecordStore store, Clock clock) {
    this.peer = peer;
    this.store = store;
    this.clock = clock;
    this.notedNanos = clock.nanoTime();
    JournalEntry.Acknowledged noted = store.acknowledgedBy(peer);
    if (noted != null) {
      position = noted.position();
      notedPosition = position;
      lackingFrom = noted.lackingFrom();
      lackingUpTo = noted.lackingUpTo();
    }
  }

  /** The peer needs no journal entry at or before this position, as far as is known. */
  long position() {
    return position;
  }

  /** Where to go on for a peer that says what it has; 0 if it has lost what it acknowledged. */
  long resumeAt(VersionVector has) {
    VersionVector before = acknowledged;
    JournalEntry.Acknowledged noted = store.acknowledgedBy(peer);
    boolean kept =
        before != null
            ? has.containsAll(before)
            : noted == null || noted.position() == 0 || store.stillHas(has, noted);
    return kept ? position : 0;
  }

  /** The peer has acknowledged more. */
  void advance(VersionVector has, long upTo) {
    acknowledged = has;
    position = upTo;
    if (upTo - notedPosition >= NOTE_EVERY_ENTRIES
        && clock.nanoTime() - notedNanos >= NOTE_EVERY.toNanos()) {
      note();
    }
  }

  /** Returns whether that is news: entries of this range are missing, and the peer has not them. */
  boolean lacks(long from, long upTo) {
    if (upTo <= lackingUpTo) {
      return false;
    }
    lackingFrom = lackingUpTo == 0 ? from : Math.min(lackingFrom, from);
    lackingUpTo = upTo;
    note();
    return true;
  }

  void lacksNothing() {
    lackingFrom = 0;
    lackingUpTo = 0;
    note();
  }

  boolean isLacking() {
    return lackingUpTo > 0;
  }

  /** Entries of the journal, of which some were dropped. */
  long lackingEntries() {
    return isLacking() ? lackingUpTo - lackingFrom + 1 : 0;
  }

  long lackingUpTo() {
    return lackingUpTo;
  }

  /** Notes it in the journal, if anything is known and it is not what was noted last. */
  void noteAtTheEnd() {
    if (acknowledged != null && position > notedPosition) {
      note();
    }
  }

  private void note() {
    notedPosition = position;
    notedNanos = clock.nanoTime();
    VersionVector has = acknowledged;
    store.noteAcknowledged(
        peer, has == null ? VersionVector.EMPTY : has, position, lackingFrom, lackingUpTo);
  }
}
