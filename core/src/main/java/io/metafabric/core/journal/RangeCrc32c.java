package io.metafabric.core.journal;

import io.metafabric.core.codec.Checksums;
import java.nio.ByteBuffer;

/**
 * CRC32C of any range of some bytes, for about the price of one block, however long the range is.
 * Who looks for good frames among bytes that anybody may have chosen meets as many lengths as there
 * are places, each as long as all that is left.
 *
 * <p>The checksum of A followed by B is that of A times x^(8 |B|), modulo the polynomial, plus that
 * of B (Mark Adler's crc32_combine in zlib); so that of B follows from those of two beginnings.
 */
final class RangeCrc32c {
  private static final int BLOCK_BYTES = 4096;

  /** Bits reversed, as the checksum itself. */
  private static final int POLYNOMIAL = 0x82f63b78;

  /** x^0 in that order. */
  private static final int ONE = 1 << 31;

  /** x^(8 * 2^i). */
  private static final int[] POWERS = powers();

  private final ByteBuffer bytes;

  /** Of the bytes in front of each block. */
  private final int[] before;

  RangeCrc32c(ByteBuffer bytes) {
    this.bytes = bytes;
    this.before = new int[bytes.limit() / BLOCK_BYTES + 1];
    for (int i = 1; i < before.length; i++) {
      int start = (i - 1) * BLOCK_BYTES;
      before[i] = joined(before[i - 1], direct(start, start + BLOCK_BYTES), BLOCK_BYTES);
    }
  }

  /** Of the bytes from one index to another, which is exclusive. */
  int of(int from, int to) {
    return to - from <= BLOCK_BYTES
        ? direct(from, to)
        : joined(beginning(from), beginning(to), to - from);
  }

  private int beginning(int to) {
    int block = to / BLOCK_BYTES;
    int start = block * BLOCK_BYTES;
    return joined(before[block], direct(start, to), to - start);
  }

  private int direct(int from, int to) {
    return Checksums.crc32c(bytes.duplicate().position(from).limit(to));
  }

  /** The sum is its own inverse: this takes a beginning off as well. */
  private static int joined(int front, int other, int otherBytes) {
    int factor = ONE;
    for (int i = 0, left = otherBytes; left != 0; i++, left >>>= 1) {
      if ((left & 1) != 0) {
        factor = product(factor, POWERS[i]);
      }
    }
    return product(front, factor) ^ other;
  }

  private static int[] powers() {
    int[] powers = new int[Integer.SIZE - 1];
    powers[0] = ONE >>> Byte.SIZE;
    for (int i = 1; i < powers.length; i++) {
      powers[i] = product(powers[i - 1], powers[i - 1]);
    }
    return powers;
  }

  private static int product(int a, int b) {
    int product = 0;
    int shifted = b;
    for (int bit = ONE; bit != 0; bit >>>= 1) {
      if ((a & bit) != 0) {
        product ^= shifted;
      }
      shifted = (shifted >>> 1) ^ ((shifted & 1) != 0 ? POLYNOMIAL : 0);
    }
    return product;
  }
}
