package io.metafabric.core.sim;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;

/** The content of a file, growing as it is written to, and which of its bytes are rotten. */
final class SimImage {
  private byte[] array = new byte[0];
  private int size;

  /** Not what was written there. */
  private BitSet rotten = new BitSet();

  SimImage copy() {
    var copy = new SimImage();
    copy.array = Arrays.copyOf(array, size);
    copy.size = size;
    copy.rotten = (BitSet) rotten.clone();
    return copy;
  }

  int size() {
    return size;
  }

  int read(long offset, ByteBuffer target) {
    if (offset >= size) {
      return 0;
    }
    int length = Math.min(target.remaining(), size - (int) offset);
    target.put(array, (int) offset, length);
    return length;
  }

  /** A gap before {@code offset} reads as zeros. */
  void write(int offset, byte[] source, int length) {
    int end = Math.addExact(offset, length);
    if (end > array.length) {
      array = Arrays.copyOf(array, Math.max(end, 2 * array.length));
    }
    System.arraycopy(source, 0, array, offset, length);
    rotten.clear(offset, end);
    size = Math.max(size, end);
  }

  void resize(int nextSize) {
    if (nextSize < size) {
      Arrays.fill(array, nextSize, size, (byte) 0);
      rotten.clear(nextSize, size);
    } else if (nextSize > array.length) {
      array = Arrays.copyOf(array, nextSize);
    }
    size = nextSize;
  }

  byte flipped(int offset) {
    return (byte) (array[offset] ^ 0xff);
  }

  void rot(int offset, byte[] one) {
    write(offset, one, 1);
    rotten.set(offset);
  }

  /** Whether nothing was written there since it rotted. */
  boolean isRotten(int offset) {
    return rotten.get(offset);
  }
}
