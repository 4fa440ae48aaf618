package io.metafabric.core.journal;

import io.metafabric.core.error.ConfigurationException;

/**
 * @param segmentBytes a new segment is begun once one has reached this size; at least 4,096
 */
public record JournalConfig(long segmentBytes) {
  public static final long DEFAULT_SEGMENT_BYTES = 64L << 20;

  public JournalConfig {
    if (segmentBytes < 4096) {
      throw new ConfigurationException("segmentBytes must be >= 4096, was " + segmentBytes);
    }
  }
}
