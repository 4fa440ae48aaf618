package io.metafabric.cache;

import java.util.Arrays;

/**
 * Hashes of what was let go, in the order in which it went. A hash may be in any of {@value #WAYS}
 * places and takes that of the oldest; two keys with the same hash are taken for one. Not
 * thread-safe.
 */
final class Ghosts {
  private static final int WAYS = 8;
  private static final int MIN_PLACES = 64;
  private static final int MAX_PLACES = 1 << 22;

  private int[] hashes = new int[MIN_PLACES];
  private int[] wentAt = new int[MIN_PLACES];
  private int clock;

  /** Makes room to remember about so many; what is remembered is then forgotten. */
  void ensureCapacity(int count) {
    if (count > hashes.length / 2 && hashes.length < MAX_PLACES) {
      // At least double, and in long arithmetic: the count may be anything.
      long wanted = Math.max(2L * hashes.length, Integer.highestOneBit(count) * 4L);
      int places = (int) Math.min(MAX_PLACES, wanted);
      int[] oldHashes = hashes;
      int[] oldWentAt = wentAt;
      hashes = new int[places];
      wentAt = new int[places];
      for (int i = 0; i < oldHashes.length; i++) {
        if (oldWentAt[i] != 0) {
          put(oldHashes[i], oldWentAt[i]);
        }
      }
    }
  }

  void add(int hash) {
    if (++clock == 0) {
      // Once in four billion: what is remembered would look as if it had yet to go.
      Arrays.fill(wentAt, 0);
      clock = 1;
    }
    put(hash, clock);
  }

  private void put(int hash, int at) {
    int first = firstPlace(hash);
    int place = first;
    for (int i = first; i < first + WAYS; i++) {
      if (wentAt[i] != 0 && hashes[i] == hash) {
        place = i;
        break;
      }
      if (Integer.compareUnsigned(wentAt[i], wentAt[place]) < 0) {
        place = i;
      }
    }
    hashes[place] = hash;
    wentAt[place] = at;
  }

  /** How many have gone since this one did; {@link Integer#MAX_VALUE} if that is not known. */
  int age(int hash) {
    int place = find(hash);
    return place < 0 ? Integer.MAX_VALUE : clock - wentAt[place];
  }

  void remove(int hash) {
    int place = find(hash);
    if (place >= 0) {
      wentAt[place] = 0;
    }
  }

  private int find(int hash) {
    int first = firstPlace(hash);
    for (int i = first; i < first + WAYS; i++) {
      if (wentAt[i] != 0 && hashes[i] == hash) {
        return i;
      }
    }
    return -1;
  }

  private int firstPlace(int hash) {
    int mixed = hash * 0x9E37_79B9;
    return (mixed ^ (mixed >>> 16)) & (hashes.length - 1) & -WAYS;
  }

  long retainedBytes() {
    return 8L * hashes.length;
  }
}
