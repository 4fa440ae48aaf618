package io.metafabric.predict;

/**
 * One read as sources see it: references in place of keys, and where its client stood before. One
 * object for all reads. Not thread-safe.
 */
final class Sighting {
  /** The key that is read, and its slot. */
  int reference;

  int slot;

  /** Of the client's name. */
  int client;

  /** Whether it was in this region. */
  boolean own;

  /** Whether it had to be fetched, or would have been but for a prefetch. */
  boolean need;

  /** As {@link ReadTime} has it; epoch milliseconds. */
  long atMs;

  /** What the client read last and before that; 0 where there is nothing. */
  int lastRead;

  int readBefore;

  /** Of its needs the same; only where this is one. */
  int lastNeed;

  int needBefore;

  /** Whether the client read something else before. */
  boolean movesOn() {
    return lastRead != reference;
  }
}
