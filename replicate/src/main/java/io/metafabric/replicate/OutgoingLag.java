package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;

/**
 * What of this directory's writes a peer has not acknowledged: how many, and for how long. Any
 * thread may ask; the loop alone reports.
 */
final class OutgoingLag {
  private static final long CAUGHT_UP_NANOS = 500_000_000;
  private static final long BEHIND_NANOS = 1_000_000_000;

  private final RegionName peer;
  private final RecordStore store;
  private final PublicationTimes times;
  private final Clock clock;
  private final long openedNanos;

  private volatile boolean heard;
  private volatile VersionVector acknowledged = VersionVector.EMPTY;
  private boolean upToDate;

  OutgoingLag(RegionName peer, RecordStore store, PublicationTimes times, Clock clock) {
    this.peer = peer;
    this.store = store;
    this.times = times;
    this.clock = clock;
    this.openedNanos = clock.nanoTime();
  }

  /** The peer has this. */
  void acknowledged(VersionVector vector) {
    acknowledged = vector;
    heard = true;
    times.acknowledged(peer, vector.counter(store.actor()));
  }

  /** Nobody waits for the peer any more. */
  void evicted() {
    times.exclude(peer);
  }

  /** The peer is waited for again, and has nothing. */
  void readmitted() {
    acknowledged = VersionVector.EMPTY;
    times.include(peer);
  }

  /** A connection begins: nothing is known to be there until the peer has it. */
  void reset() {
    upToDate = false;
  }

  long changes() {
    return heard ? store.ownWritesBeyond(acknowledged) : store.publishedCounter();
  }

  /**
   * For how long the oldest change has been waiting; 0 if none is. Those of earlier openings count
   * from the beginning of this one.
   */
  long oldestMs() {
    return oldestNanos() / 1_000_000;
  }

  /**
   * Everything that was published so long before is acknowledged, or more; -1 if that cannot be
   * said, because what waits is of an earlier opening.
   */
  long waitingMs() {
    long changes = changes();
    boolean earlier = changes > ofThisOpening(acknowledged.counter(store.actor()));
    return earlier ? -1 : oldestMs();
  }

  private long oldestNanos() {
    long changes = changes();
    if (changes == 0) {
      return 0;
    }
    long now = clock.nanoTime();
    boolean earlier = changes > ofThisOpening(acknowledged.counter(store.actor()));
    return Math.max(0, now - (earlier ? openedNanos : times.firstLackingAt(peer, now)));
  }

  private long ofThisOpening(long counter) {
    return Math.max(0, store.publishedCounter() - counter);
  }

  /**
   * Whether nothing waits but what is of late. Becomes false later than it becomes true, so that a
   * link that keeps up under load stays up to date. Loop only.
   *
   * @param drained the peer has acknowledged all that was published here
   * @param rttMs NaN before it was measured
   */
  boolean upToDate(boolean drained, double rttMs) {
    if (drained) {
      upToDate = true;
      return true;
    }
    double rttNanos = Double.isNaN(rttMs) ? 0 : rttMs * 1e6;
    boolean earlier = changes() > ofThisOpening(acknowledged.counter(store.actor()));
    double bound =
        upToDate ? Math.max(BEHIND_NANOS, 4 * rttNanos) : Math.max(CAUGHT_UP_NANOS, 2 * rttNanos);
    upToDate = !earlier && oldestNanos() <= bound;
    return upToDate;
  }
}
