package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import java.util.Collection;
import java.util.TreeMap;

/**
 * When this opening's changes were published, for as long as a peer has not acknowledged them: one
 * time for all changes of a moment. Holds a bounded number of times; when they run out, the moments
 * become longer. Thread-safe.
 */
final class PublicationTimes {
  static final int MAX_MARKS = 1024;
  private static final long SHORTEST_MOMENT_NANOS = 1_000_000;

  private final TreeMap<RegionName, Long> acknowledged = new TreeMap<>();
  private final long[] upTo = new long[MAX_MARKS];
  private final long[] atNanos = new long[MAX_MARKS];
  private int size;
  private long momentNanos = SHORTEST_MOMENT_NANOS;

  PublicationTimes(Collection<RegionName> peers) {
    peers.forEach(peer -> acknowledged.put(peer, 0L));
  }

  /** Everything up to {@code counter} has been published. */
  synchronized void published(long counter, long nowNanos) {
    if (size > 0 && nowNanos - atNanos[size - 1] < momentNanos) {
      upTo[size - 1] = Math.max(upTo[size - 1], counter);
      return;
    }
    if (size == MAX_MARKS) {
      mergePairs();
    }
    upTo[size] = counter;
    atNanos[size++] = nowNanos;
  }

  private void mergePairs() {
    momentNanos *= 2;
    size /= 2;
    for (int i = 0; i < size; i++) {
      upTo[i] = upTo[2 * i + 1];
      atNanos[i] = atNanos[2 * i];
    }
  }

  /** The peer has everything up to {@code counter}. */
  synchronized void acknowledged(RegionName peer, long counter) {
    acknowledged.put(peer, counter);
    long byAll = counter;
    for (long each : acknowledged.values()) {
      byAll = Math.min(byAll, each);
    }
    int done = indexOf(byAll + 1);
    if (done > 0) {
      size -= done;
      System.arraycopy(upTo, done, upTo, 0, size);
      System.arraycopy(atNanos, done, atNanos, 0, size);
    }
    if (size == 0) {
      momentNanos = SHORTEST_MOMENT_NANOS;
    }
  }

  /**
   * When the change was published, or a moment before.
   *
   * @return {@code nowNanos} if it has not been told of yet
   */
  synchronized long publishedAt(long counter, long nowNanos) {
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
