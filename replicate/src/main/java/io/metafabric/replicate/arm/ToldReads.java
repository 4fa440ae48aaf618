package io.metafabric.replicate.arm;

/**
 * Of which keys a region tells the home that it has read a version that was sent unfetched. A
 * reading takes about what the key's name takes: where payloads are large of all, else of one in
 * {@value #ONE_IN}, which stands for the others. Both sides go by the same, so that the home knows
 * whose silence says something. Stateless.
 */
final class ToldReads {
  /** A reading is seldom more than a twentieth of that. */
  private static final int LARGE_BYTES = 1024;

  private static final int ONE_IN = 16;

  private ToldReads() {}

  /** For how many keys a reading stands; 0 if there is none. */
  static int standsFor(String path, int payloadBytes) {
    if (payloadBytes >= LARGE_BYTES) {
      return 1;
    }
    return (ReadOdds.spread(path.hashCode()) >>> (Integer.SIZE - 4)) == 0 ? ONE_IN : 0;
  }
}
