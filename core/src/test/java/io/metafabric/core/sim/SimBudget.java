package io.metafabric.core.sim;

/** Bytes that may wait, and whether a sender was turned away. */
final class SimBudget {
  private final int boundBytes;
  private int usedBytes;
  private boolean refused;

  SimBudget(int boundBytes) {
    this.boundBytes = boundBytes;
  }

  int usedBytes() {
    return usedBytes;
  }

  boolean take(int bytes) {
    if (usedBytes > 0 && usedBytes + bytes > boundBytes) {
      refused = true;
      return false;
    }
    usedBytes += bytes;
    return true;
  }

  /** Returns whether the sender that was turned away should try again. */
  boolean release(int bytes) {
    usedBytes -= bytes;
    boolean retry = refused && usedBytes <= boundBytes / 2;
    refused &= !retry;
    return retry;
  }
}
