package io.metafabric.core.journal;

import java.util.ArrayList;
import java.util.List;

/**
 * Where the frames that a compaction has copied were before, in the order of copying: 16 bytes of
 * heap each, because they may be millions. Not thread-safe.
 */
final class MovedFrames {
  private static final int PART_WORDS = 1 << 12;
  private static final long OFFSET_MASK = (1L << Integer.SIZE) - 1;

  // Two words each: source and offset; length.
  private final List<long[]> parts = new ArrayList<>();
  private int size;

  /**
   * @param source number of the segment that it was in
   * @param offset of the frame in that, below 4 GiB
   */
  void add(int source, long offset, int lengthBytes) {
    int at = 2 * size % PART_WORDS;
    if (at == 0) {
      parts.add(new long[PART_WORDS]);
    }
    long[] part = parts.get(parts.size() - 1);
    part[at] = (long) source << Integer.SIZE | offset;
    part[at + 1] = lengthBytes;
    size++;
  }

  int size() {
    return size;
  }

  int source(int i) {
    return (int) (word(2L * i) >>> Integer.SIZE);
  }

  long offset(int i) {
    return word(2L * i) & OFFSET_MASK;
  }

  int lengthBytes(int i) {
    return (int) word(2L * i + 1);
  }

  private long word(long at) {
    return parts.get((int) (at / PART_WORDS))[(int) (at % PART_WORDS)];
  }
}
