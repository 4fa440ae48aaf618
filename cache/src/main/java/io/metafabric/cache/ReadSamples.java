package io.metafabric.cache;

/**
 * Hashes of sampled reads, on their way from readers to whoever holds the tier's lock. Lossy: a
 * stripe that is full, or written by two threads at once, loses some. Never waits.
 */
final class ReadSamples {
  private static final int STRIPES = 16;
  private static final int PER_STRIPE = 128;

  private final Stripe[] stripes = new Stripe[STRIPES];

  /** Readers and the drainer race for the count; it stays in bounds whatever they do. */
  private static final class Stripe {
    final int[] hashes = new int[PER_STRIPE];
    int count;
  }

  /** Takes what was sampled. */
  interface Sink {
    void accept(int hash);
  }

  ReadSamples() {
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new Stripe();
    }
  }

  /**
   * @return false if there was no room, and it is time to drain
   */
  @SuppressWarnings("deprecation") // threadId() came after Java 17
  boolean offer(int hash) {
    Stripe stripe = stripes[(int) Thread.currentThread().getId() & (STRIPES - 1)];
    int at = stripe.count;
    if (at >= PER_STRIPE) {
      return false;
    }
    stripe.hashes[at] = hash;
    stripe.count = at + 1;
    return true;
  }

  void drain(Sink sink) {
    for (Stripe stripe : stripes) {
      int count = Math.min(stripe.count, PER_STRIPE);
      if (count > 0) {
        for (int i = 0; i < count; i++) {
          sink.accept(stripe.hashes[i]);
        }
        stripe.count = 0;
      }
    }
  }
}
