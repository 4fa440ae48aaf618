package io.metafabric.replicate.netty;

/** Bytes of one kind that may wait, and whether anyone was turned away. Not thread-safe. */
final class Budget {
  private final int boundBytes;
  private long usedBytes;
  private boolean refused;

  Budget(int boundBytes) {
    this.boundBytes = boundBytes;
  }

  /**
   * Takes {@code bytes} if there is room, or if nothing else waits: then one frame is the bound.
   */
  boolean take(int bytes) {
    if (usedBytes > 0 && usedBytes + bytes > boundBytes) {
      refused = true;
      return false;
    }
    usedBytes += bytes;
    return true;
  }

  long usedBytes() {
    return usedBytes;
  }

  /** Whether nothing, however small, would be taken. */
  boolean isFull() {
    if (usedBytes < boundBytes) {
      return false;
    }
    refused = true;
    return true;
  }

  /**
   * Gives {@code bytes} back.
   *
   * @return whether someone who was turned away should now try again: half of the room is free
   */
  boolean release(long bytes) {
    usedBytes -= bytes;
    if (refused && usedBytes <= boundBytes / 2) {
      refused = false;
      return true;
    }
    return false;
  }
}
