package io.metafabric.core.journal;

import io.metafabric.core.error.ConfigurationException;

/**
 * @param segmentBytes a new segment is begun once one has reached this size; 4,096 to 1 GiB
 * @param readCacheBytes about as much memory outside of the heap is taken for what was read of
 *     late, up to 64 GiB; none if that is less than 64 KiB
 */
public record JournalConfig(long segmentBytes, long readCacheBytes) {
  public static final long DEFAULT_SEGMENT_BYTES = 64L << 20;
  public static final long MAX_SEGMENT_BYTES = 1L << 30;
  public static final long MAX_READ_CACHE_BYTES = 64L << 30;
  private static final long SMALL_READ_CACHE_BYTES = 64 << 10;

  /** With a small read cache. */
  public JournalConfig(long segmentBytes) {
    this(segmentBytes, SMALL_READ_CACHE_BYTES);
  }

  public JournalConfig {
    if (segmentBytes < 4096 || segmentBytes > MAX_SEGMENT_BYTES) {
      throw new ConfigurationException(
          "segmentBytes must be 4096 to " + MAX_SEGMENT_BYTES + ", was " + segmentBytes);
    }
    if (readCacheBytes < 0 || readCacheBytes > MAX_READ_CACHE_BYTES) {
      throw new ConfigurationException(
          "readCacheBytes must be 0 to " + MAX_READ_CACHE_BYTES + ", was " + readCacheBytes);
    }
  }
}
