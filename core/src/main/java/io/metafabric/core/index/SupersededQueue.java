package io.metafabric.core.index;

/**
 * Which payloads of older writes the index names, in the order in which they were superseded, and
 * how much of the journal they take. Belongs to the publisher; anybody may ask how much it is.
 *
 * <p>Two words for each. One that is gone, because a newer payload has come, keeps its place here
 * until its turn comes, or until most are gone.
 */
final class SupersededQueue {
  /**
   * @param hash of the key, as far as the index has it
   * @param dot second word of its slot
   */
  record Entry(long hash, long dot) {}

  /** Whether the index still names one. */
  interface Presence {
    boolean isThere(long hash, long dot);
  }

  private static final int MIN_WORDS = 32;

  private long[] words = {};
  private int head;
  private int size;
  private int gone;
  private volatile long bytes;
  private volatile long dropped;
  private volatile long memoryBytes;

  void add(long hash, long dot, int lengthBytes) {
    put(hash, dot);
    addBytes(lengthBytes);
  }

  /** One that was polled, and stays. */
  void addAgain(Entry polled) {
    put(polled.hash(), polled.dot());
  }

  private void put(long hash, long dot) {
    if (2 * size == words.length) {
      resize(Math.max(MIN_WORDS, 2 * words.length));
    }
    int at = (head + 2 * size) % words.length;
    words[at] = hash;
    words[at + 1] = dot;
    size++;
  }

  /** The index names one no more; its place in the order stays, or was polled. */
  void removed(int lengthBytes) {
    addBytes(-lengthBytes);
    gone++;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  private void addBytes(long more) {
    bytes += more;
  }

  /** Gives places back once they are many and more than half of them are of no use. */
  void forgetGone(Presence presence) {
    if (2 * gone <= size || 2 * gone < MIN_WORDS) {
      return;
    }
    int all = size;
    gone = 0;
    for (int i = 0; i < all; i++) {
      Entry each = take();
      if (presence.isThere(each.hash(), each.dot())) {
        put(each.hash(), each.dot());
      }
    }
    if (2 * size < words.length / 4) {
      resize(Math.max(MIN_WORDS, words.length / 2));
    }
  }

  /** The oldest, which may be gone; there is one. */
  Entry poll() {
    return take();
  }

  private Entry take() {
    var oldest = new Entry(words[head], words[head + 1]);
    head = (head + 2) % words.length;
    size--;
    return oldest;
  }

  private void resize(int length) {
    var next = new long[length];
    for (int i = 0; i < 2 * size; i++) {
      next[i] = words[(head + i) % words.length];
    }
    words = next;
    head = 0;
    memoryBytes = length * (long) Long.BYTES;
  }

  /** Those that are gone included. */
  int size() {
    return size;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  void dropped() {
    dropped++;
  }

  long bytes() {
    return bytes;
  }

  long droppedCount() {
    return dropped;
  }

  long memoryBytes() {
    return memoryBytes;
  }
}
