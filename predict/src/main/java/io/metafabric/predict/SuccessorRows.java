package io.metafabric.predict;

import java.util.Arrays;

/**
 * For each slot of a {@link KeyTable}: how often its key was read lately, and which keys followed
 * how often. A row is five bytes per successor and one more, in flat arrays.
 *
 * <p>Counts decay: when a key has been read {@value #READS_LIMIT} times, all numbers of its row are
 * halved, so that about the last hundred reads are remembered and old habits fade. Not thread-safe.
 */
final class SuccessorRows {
  static final int SUCCESSORS = 16;
  static final int ROW_BYTES = 5 * SUCCESSORS + 1;
  private static final int READS_LIMIT = 127;

  private int[] successors = new int[0];
  private byte[] counts = new byte[0];
  private byte[] reads = new byte[0];

  /** Makes room for slots below {@code capacity}. */
  void ensureCapacity(int capacity) {
    if (capacity > reads.length) {
      successors = Arrays.copyOf(successors, capacity * SUCCESSORS);
      counts = Arrays.copyOf(counts, capacity * SUCCESSORS);
      reads = Arrays.copyOf(reads, capacity);
    }
  }

  void clear(int slot) {
    int from = slot * SUCCESSORS;
    Arrays.fill(successors, from, from + SUCCESSORS, 0);
    Arrays.fill(counts, from, from + SUCCESSORS, (byte) 0);
    reads[slot] = 0;
  }

  void countRead(int slot) {
    if (++reads[slot] == READS_LIMIT) {
      reads[slot] >>= 1;
      int from = slot * SUCCESSORS;
      for (int i = from; i < from + SUCCESSORS; i++) {
        counts[i] >>= 1;
        if (counts[i] == 0) {
          successors[i] = 0;
        }
      }
    }
  }

  /** Counts that {@code successor} followed the slot's key; in a full row the rarest gives way. */
  void countSuccessor(int slot, int successor) {
    int from = slot * SUCCESSORS;
    int rarest = from;
    for (int i = from; i < from + SUCCESSORS; i++) {
      if (successors[i] == successor) {
        if (counts[i] < Byte.MAX_VALUE) {
          counts[i]++;
        }
        return;
      }
      if (counts[i] < counts[rarest]) {
        rarest = i;
      }
    }
    // A newcomer does not inherit the count of the one it replaces: an overestimate would be
    // prefetched, an underestimate has only to be seen once more.
    successors[rarest] = successor;
    counts[rarest] = 1;
  }

  int reads(int slot) {
    return reads[slot];
  }

  /** The reference in place {@code i} of the row; 0 if the place is empty. */
  int successor(int slot, int i) {
    return successors[slot * SUCCESSORS + i];
  }

  int count(int slot, int i) {
    return counts[slot * SUCCESSORS + i];
  }
}
