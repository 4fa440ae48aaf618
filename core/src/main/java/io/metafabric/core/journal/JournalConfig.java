package io.metafabric.core.journal;

import io.metafabric.core.error.ConfigurationException;

/**
 * @param segmentBytes a new segment is begun once one has reached this size; 4,096 to 1 GiB
 */
public record JournalConfig(long segmentBytes) {
  public static final long DEFAULT_SEGMENT_BYTES = 64L << 20;
  public static final long MAX_SEGMENT_BYTES = 1L << 30;

  public JournalConfig {
    if (segmentBytes < 4096 || segmentBytes > MAX_SEGMENT_BYTES) {
      throw new ConfigurationException(
          "segmentBytes must be 4096 to " + MAX_SEGMENT_BYTES + ", was " + segmentBytes);
    }
  }
}
