package io.metafabric.core.sim;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The content of a file, growing as it is written to. */
final class SimImage {
  private byte[] array = new byte[0];
  private int size;

  SimImage copy() {
    var copy = new SimImage();
    copy.array = Arrays.copyOf(array, size);
    copy.size = size;
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
    size = Math.max(size, end);
  }

  void resize(int nextSize) {
    if (nextSize < size) {
      Arrays.fill(array, nextSize, size, (byte) 0);
    } else if (nextSize > array.length) {
      array = Arrays.copyOf(array, nextSize);
    }
    size = nextSize;
  }

  void flip(int offset) {
    array[offset] ^= (byte) 0xff;
  }
}
