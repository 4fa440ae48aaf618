package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import java.util.Collection;
import java.util.TreeMap;

/**
 * When this opening's changes were published, for as long as a peer that is waited for has not
 * acknowledged them: one time for all changes of a moment. Holds a bounded number of times; when
 * they run out, the oldest moments become longer, and the late ones stay as they are: how far a
 * peer is behind that keeps up does not depend on one that is away.
 *
 * <p>A change is never younger than is said, and no more older than a millisecond and a sixteenth
 * of its age: of moments that are as long as that there are fewer in a hundred years than can be
 * held. They are shorter, down to a part in 128, where that makes room enough. Of what all had
 * acknowledged and a peer has lost again, it is known that it is not older than the first change.
 * Thread-safe.
 */
final class PublicationTimes {
  static final int MAX_MARKS = 1024;

  /** So few are left when they ran out, that the next ones do not run out soon. */
  private static final int MANY_MARKS = MAX_MARKS - MAX_MARKS / 8;

  private static final long SHORTEST_MOMENT_NANOS = 1_000_000;

  /** A moment may be as long as this part of its age. */
  private static final int SMALLEST_PART = 128;

  private final TreeMap<RegionName, Long> acknowledged = new TreeMap<>();
  private final long[] upTo = new long[MAX_MARKS];
  private final long[] atNanos = new long[MAX_MARKS];
  private int size;
  private long firstNanos;
  private long forgottenUpTo;

  PublicationTimes(Collection<RegionName> peers) {
    peers.forEach(this::include);
  }

  /** The peer is not waited for any more. */
  synchronized void exclude(RegionName peer) {
    acknowledged.remove(peer);
    forget();
  }

  /** The peer is waited for, and has nothing. */
  synchronized void include(RegionName peer) {
    acknowledged.put(peer, 0L);
  }

  /** Everything up to {@code counter} has been published. */
  synchronized void published(long counter, long nowNanos) {
    if (size == 0 && forgottenUpTo == 0) {
      firstNanos = nowNanos;
    }
    if (size > 0 && nowNanos - atNanos[size - 1] < SHORTEST_MOMENT_NANOS) {
      upTo[size - 1] = Math.max(upTo[size - 1], counter);
      return;
    }
    if (size == MAX_MARKS) {
      for (int part = SMALLEST_PART; size > MANY_MARKS; part /= 2) {
        mergeOld(part, nowNanos);
      }
    }
    upTo[size] = counter;
    atNanos[size++] = nowNanos;
  }

  /** Makes moments as long as they may be; what becomes older may be longer later. */
  private void mergeOld(int part, long nowNanos) {
    int last = 0;
    for (int i = 1; i < size; i++) {
      long end = i + 1 < size ? atNanos[i + 1] : nowNanos;
      if (end - atNanos[last] > (nowNanos - end) / part) {
        last++;
        atNanos[last] = atNanos[i];
      }
      upTo[last] = upTo[i];
    }
    size = last + 1;
  }

  /** The peer has everything up to {@code counter}. */
  synchronized void acknowledged(RegionName peer, long counter) {
    if (acknowledged.replace(peer, counter) != null) {
      forget();
    }
  }

  /** What all have is not asked for. */
  private void forget() {
    long byAll = Long.MAX_VALUE;
    for (long each : acknowledged.values()) {
      byAll = Math.min(byAll, each);
    }
    int done = 0;
    while (done < size && upTo[done] <= byAll) {
      done++;
    }
    if (done > 0) {
      forgottenUpTo = upTo[done - 1];
      size -= done;
      System.arraycopy(upTo, done, upTo, 0, size);
      System.arraycopy(atNanos, done, atNanos, 0, size);
    }
  }

  /**
   * When the first change was published that the peer has not acknowledged, or a moment before.
   *
   * @return {@code nowNanos} if it has not been told of yet
   */
  synchronized long firstLackingAt(RegionName peer, long nowNanos) {
    long counter = acknowledged.getOrDefault(peer, 0L) + 1;
    if (counter <= forgottenUpTo) {
      return firstNanos;
    }
    int i = indexOf(counter);
    return i == size ? nowNanos : atNanos[i];
  }

  /** The first mark that has the counter; {@code size} if there is none. */
  private int indexOf(long counter) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (upTo[middle] < counter) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
