package io.metafabric.core.codec;

import java.util.random.RandomGenerator;

/**
 * SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012) of a text, under a secret key. Two texts
 * that have the same are the same: to find others would take 2^64 tries by somebody who knows the
 * key. Not thread-safe: the last hash is kept here, so that none is allocated.
 */
public final class KeyedHash {
  private static final int CHARS_PER_WORD = 4;

  private final long key0;
  private final long key1;

  private long v0;
  private long v1;
  private long v2;
  private long v3;
  private long high;
  private long low;

  public KeyedHash(RandomGenerator random) {
    this(random.nextLong(), random.nextLong());
  }

  KeyedHash(long key0, long key1) {
    this.key0 = key0;
    this.key1 = key1;
  }

  /**
   * Hashes the text's UTF-16 bytes, little-endian; {@link #high} and {@link #low} have the rest.
   */
  public void of(String text) {
    v0 = key0 ^ 0x736f6d6570736575L;
    v1 = key1 ^ 0x646f72616e646f6dL ^ 0xee;
    v2 = key0 ^ 0x6c7967656e657261L;
    v3 = key1 ^ 0x7465646279746573L;
    int whole = text.length() / CHARS_PER_WORD * CHARS_PER_WORD;
    for (int i = 0; i < whole; i += CHARS_PER_WORD) {
      compress(word(text, i, CHARS_PER_WORD));
    }
    long bytes = (long) Character.BYTES * text.length();
    compress(word(text, whole, text.length() - whole) | bytes << 56);
    v2 ^= 0xee;
    rounds(4);
    low = v0 ^ v1 ^ v2 ^ v3;
    v1 ^= 0xdd;
    rounds(4);
    high = v0 ^ v1 ^ v2 ^ v3;
  }

  private static long word(String text, int from, int chars) {
    long word = 0;
    for (int i = 0; i < chars; i++) {
      word |= (long) text.charAt(from + i) << (Character.SIZE * i);
    }
    return word;
  }

  private void compress(long word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }

  private void rounds(int count) {
    long a = v0;
    long b = v1;
    long c = v2;
    long d = v3;
    for (int i = 0; i < count; i++) {
      a += b;
      b = Long.rotateLeft(b, 13) ^ a;
      a = Long.rotateLeft(a, 32);
      c += d;
      d = Long.rotateLeft(d, 16) ^ c;
      a += d;
      d = Long.rotateLeft(d, 21) ^ a;
      c += b;
      b = Long.rotateLeft(b, 17) ^ c;
      c = Long.rotateLeft(c, 32);
    }
    v0 = a;
    v1 = b;
    v2 = c;
    v3 = d;
  }

  public long high() {
    return high;
  }

  public long low() {
    return low;
  }
}
