package io.metafabric.cache.caffeine;

/**
 * Tells a second question for a key from a first one, by its hash, as long as not too many others
 * were asked for in between: each forgets the one whose place it takes. Now and then takes one for
 * another. Thread-safe; readers that race may forget.
 */
final class RecentMisses {
  private static final int MIN_PLACES = 256;
  private static final int MAX_PLACES = 1 << 16;

  private final short[] marks;
  private final int shift;

  /**
   * @param keys about so many are told apart
   */
  RecentMisses(long keys) {
    int places = (int) Long.highestOneBit(Math.max(MIN_PLACES, Math.min(MAX_PLACES, keys)));
    marks = new short[places];
    shift = Integer.numberOfLeadingZeros(places) + 1;
  }

  /** Whether it was asked for of late; from now on it was. */
  boolean hasSeen(String path) {
    int hash = path.hashCode();
    hash = (hash ^ hash >>> 16) * 0x85ebca6b;
    hash = (hash ^ hash >>> 13) * 0xc2b2ae35;
    int place = hash >>> shift;
    short mark = (short) hash;
    if (marks[place] == mark) {
      return true;
    }
    marks[place] = mark;
    return false;
  }
}
