package io.metafabric.predict;

import io.metafabric.core.index.KeyHash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What several names begin with, up to their last slash, each once and by number; those that no
 * name uses any more are forgotten. It takes two names in short order to share one: where each has
 * a beginning of its own, sharing would cost more than it saves. Not thread-safe.
 */
final class SharedBeginnings {
  /** Of a name that shares nothing. */
  static final int NONE = 0;

  /** Text, uses, chain and bucket, with 4-byte references. */
  private static final int BYTES_EACH = 4 + 4 + 4 + 4;

  private static final int FIRST = 16;
  private static final int SEEN = 512;

  private final long seed;
  private @Nullable String[] texts = new @Nullable String[FIRST];
  private int[] uses = new int[FIRST];
  private int[] next = new int[FIRST];
  private int[] buckets = new int[FIRST];

  /** Hashes of beginnings that one name had of late. */
  private final int[] seen = new int[SEEN];

  private int free;
  private int unused = 1;
  private long textBytes;

  /**
   * @param seed should be drawn at random, so that nobody can choose beginnings that collide
   */
  SharedBeginnings(long seed) {
    this.seed = seed;
  }

  /** What a name would share: {@link #NONE} if it is to stand for itself. Counts as a use. */
  int use(String name) {
    int length = name.lastIndexOf('/') + 1;
    if (length == 0) {
      return NONE;
    }
    String text = name.substring(0, length);
    int hash = hash(text);
    int number = find(text, hash);
    if (number == NONE) {
      int place = bucket(hash, SEEN);
      if (seen[place] != hash) {
        seen[place] = hash;
        return NONE;
      }
      number = enter(text, hash);
    }
    uses[number]++;
    return number;
  }

  void release(int number) {
    if (number == NONE || --uses[number] > 0) {
      return;
    }
    String text = text(number);
    int bucket = bucket(hash(text), buckets.length);
    if (buckets[bucket] == number) {
      buckets[bucket] = next[number];
    } else {
      int before = buckets[bucket];
      while (next[before] != number) {
        before = next[before];
      }
      next[before] = next[number];
    }
    textBytes -= HeapSize.of(text);
    texts[number] = null;
    next[number] = free;
    free = number;
  }

  /** Empty of {@link #NONE}. */
  String text(int number) {
    String text = texts[number];
    return text == null ? "" : text;
  }

  private int find(String text, int hash) {
    int number = buckets[bucket(hash, buckets.length)];
    while (number != NONE && !text.equals(texts[number])) {
      number = next[number];
    }
    return number;
  }

  private int enter(String text, int hash) {
    int number = free;
    if (number != NONE) {
      free = next[number];
    } else {
      if (unused == texts.length) {
        grow();
      }
      number = unused++;
    }
    texts[number] = text;
    uses[number] = 0;
    textBytes += HeapSize.of(text);
    chain(number, hash);
    return number;
  }

  private void chain(int number, int hash) {
    int bucket = bucket(hash, buckets.length);
    next[number] = buckets[bucket];
    buckets[bucket] = number;
  }

  /** Only when none is free, so that all below {@code unused} are in use. */
  private void grow() {
    int grown = 2 * texts.length;
    texts = Arrays.copyOf(texts, grown);
    uses = Arrays.copyOf(uses, grown);
    next = new int[grown];
    buckets = new int[grown];
    for (int number = 1; number < unused; number++) {
      chain(number, hash(text(number)));
    }
  }

  private int hash(String text) {
    return (int) KeyHash.of(text, seed);
  }

  private static int bucket(int hash, int buckets) {
    return hash & buckets - 1;
  }

  /** What one more takes besides its text. */
  long growthBytes() {
    return free == 0 && unused == texts.length ? (long) texts.length * BYTES_EACH : 0;
  }

  long retainedBytes() {
    return (long) texts.length * BYTES_EACH + (long) SEEN * Integer.BYTES + textBytes;
  }
}
