package io.metafabric.cache.chronicle;

/**
 * How a bound on bytes becomes the shape of a map. The file has its full size from the beginning
 * and never grows: segments of equal size, each with a fixed number of chunks and of slots.
 *
 * @param segments parts of the file, each with a lock of its own; a power of two
 * @param chunksPerSegment each of {@value #CHUNK_BYTES} bytes
 */
record Layout(int segments, int chunksPerSegment) {
  static final int CHUNK_BYTES = 64;

  private static final int SEGMENT_BYTES = 1 << 20;
  private static final int MAX_SEGMENTS = 1024;

  /** A slot for every 256 bytes: records of fewer bytes are bounded by number. */
  private static final int CHUNKS_PER_SLOT = 4;

  /** An entry must find a run of free chunks in its segment, so large ones are left out. */
  private static final int LARGEST_PART_OF_A_SEGMENT = 64;

  /** Room is kept, because keys do not spread evenly over segments. */
  private static final double FULL = 0.9;

  /** Sizes of key and value, as the map writes them, and the rounding of their alignment. */
  private static final int ENTRY_OVERHEAD_BYTES = 6;

  /**
   * @param bytes of the file, about; at least {@link ChronicleConfig#MIN_BYTES}
   */
  static Layout of(long bytes) {
    int segments =
        (int) Math.min(MAX_SEGMENTS, Long.highestOneBit(Math.max(1, bytes / SEGMENT_BYTES)));
    return new Layout(segments, Math.toIntExact(bytes / segments / CHUNK_BYTES));
  }

  int slotsPerSegment() {
    return chunksPerSegment / CHUNKS_PER_SLOT;
  }

  int maxChunksPerEntry() {
    return chunksPerSegment / LARGEST_PART_OF_A_SEGMENT;
  }

  long maxEntries() {
    return (long) (FULL * segments * slotsPerSegment());
  }

  long maxBytes() {
    return (long) (FULL * segments * chunksPerSegment * CHUNK_BYTES);
  }

  static long chunks(long keyBytes, long valueBytes) {
    return (keyBytes + valueBytes + ENTRY_OVERHEAD_BYTES + CHUNK_BYTES - 1) / CHUNK_BYTES;
  }

  boolean fits(long keyBytes, long valueBytes) {
    return chunks(keyBytes, valueBytes) <= maxChunksPerEntry();
  }
}
