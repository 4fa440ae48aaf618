package io.metafabric.cache;

/**
 * About how often each hash was seen of late: a count-min sketch of 4-bit counters, all of which
 * are halved when enough was counted. Grows with the number of entries; what was counted is then
 * lost. Not thread-safe.
 *
 * @see <a href="https://doi.org/10.1145/3149371">Einziger, Friedman, Manes, TinyLFU, 2017</a>
 * @see <a href="https://doi.org/10.1145/859716.859719">Estan, Varghese, New Directions in Traffic
 *     Measurement and Accounting, 2003, for the conservative update</a>
 */
final class FrequencySketch {
  private static final int ROWS = 4;
  private static final int COUNTER_BITS = 4;
  private static final long COUNTER_MAX = 15;
  private static final int COUNTERS_PER_WORD = Long.SIZE / COUNTER_BITS;
  private static final long HALF_MASK = 0x7777_7777_7777_7777L;
  private static final int MIN_WORDS = 64;
  private static final int MAX_WORDS = 1 << 24;

  /** So often is each entry seen, on average, before the past counts half. */
  private static final int COUNTED_PER_ENTRY = 20;

  private static final long[] SEEDS = {
    0x9E37_79B9_7F4A_7C15L, 0xC2B2_AE3D_27D4_EB4FL, 0x1656_67B1_9E37_79F9L, 0x27D4_EB2F_1656_67C5L
  };

  private long[] words = new long[MIN_WORDS];
  private int entries;
  private long counted;

  /** Makes the sketch fit so many entries; cheap if it does. */
  void ensureEntries(int count) {
    entries = Math.max(count, 1);
    // Sixteen counters to a word and four rows of them: four counters for each entry and row.
    if (entries > words.length && words.length < MAX_WORDS) {
      long wanted = Math.max(words.length * 2L, Integer.highestOneBit(entries) * 2L);
      words = new long[(int) Math.min(MAX_WORDS, wanted)];
      counted = 0;
    }
  }

  void add(int hash, int times) {
    // No counter is raised above what the key can have been seen: others that share it gain
    // nothing.
    long least = Math.min(COUNTER_MAX, estimate(hash) + times);
    for (int row = 0; row < ROWS; row++) {
      long mixed = mix(hash, row);
      int word = (int) (mixed >>> 32) & (words.length - 1);
      int shift = (int) (mixed & (COUNTERS_PER_WORD - 1)) * COUNTER_BITS;
      long count = (words[word] >>> shift) & COUNTER_MAX;
      words[word] += (Math.max(count, least) - count) << shift;
    }
    counted += times;
    if (counted >= (long) COUNTED_PER_ENTRY * entries) {
      halve();
    }
  }

  private void halve() {
    for (int i = 0; i < words.length; i++) {
      words[i] = (words[i] >>> 1) & HALF_MASK;
    }
    counted = 0;
  }

  /** 0 to 15; never too little but for what was halved or is beyond 15. */
  int estimate(int hash) {
    long least = COUNTER_MAX;
    for (int row = 0; row < ROWS; row++) {
      long mixed = mix(hash, row);
      int word = (int) (mixed >>> 32) & (words.length - 1);
      int shift = (int) (mixed & (COUNTERS_PER_WORD - 1)) * COUNTER_BITS;
      least = Math.min(least, (words[word] >>> shift) & COUNTER_MAX);
    }
    return (int) least;
  }

  private static long mix(int hash, int row) {
    long mixed = (hash + SEEDS[row]) * SEEDS[(row + 1) % ROWS];
    mixed ^= mixed >>> 29;
    mixed *= 0xBF58_476D_1CE4_E5B9L;
    return mixed ^ (mixed >>> 32);
  }

  long retainedBytes() {
    return (long) words.length * Long.BYTES;
  }
}
