package io.metafabric.replicate.arm;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * The stored bytes of a {@link CopyBudget}, which all copies of a region share: prefetches that
 * nobody has read, copies that are kept, and shadows. None is taken beyond the bound; of copies
 * that are kept, some go where others need the room. Thread-safe, and holds no lock while it asks
 * for room.
 */
public final class CopyRoom {
  private final AtomicLong bytes = new AtomicLong();
  private volatile long maxBytes;
  private volatile LongConsumer yielding = missing -> {};

  public CopyRoom(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** From now on; what is over it by then stays until it is released. */
  void setMaxBytes(long next) {
    maxBytes = next;
  }

  /**
   * @param release is told how many bytes are missing, and releases as many if it can
   */
  public void yieldBy(LongConsumer release) {
    yielding = release;
  }

  /** Takes room for a copy, if need be of what is kept; false if there is none. */
  public boolean take(long more) {
    if (takeIfFree(more)) {
      return true;
    }
    yielding.accept(more - (maxBytes - bytes.get()));
    return takeIfFree(more);
  }

  /** The same for what makes room for nothing else but its own kind. */
  boolean takeIfFree(long more) {
    long before = bytes.get();
    while (more <= maxBytes - before) {
      if (bytes.compareAndSet(before, before + more)) {
        return true;
      }
      before = bytes.get();
    }
    return false;
  }

  public void release(long less) {
    bytes.addAndGet(-less);
  }

  /** What all copies take. */
  public long bytes() {
    return bytes.get();
  }

  public long maxBytes() {
    return maxBytes;
  }

  /** Up to how many bytes copies may take of which there are so many now, as others do. */
  long maxFor(long own) {
    return Math.max(0, maxBytes - (bytes.get() - own));
  }
}
