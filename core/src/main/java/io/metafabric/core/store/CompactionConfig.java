package io.metafabric.core.store;

import io.metafabric.core.error.ConfigurationException;

/**
 * @param bytesPerSecond how fast compaction reads while garbage is below its bound; above it there
 *     is no limit
 * @param retainBytes how much of the journal is kept whole for peers that have not read it yet
 */
public record CompactionConfig(long bytesPerSecond, long retainBytes) {
  public static final CompactionConfig DEFAULT = new CompactionConfig(32L << 20, 256L << 20);

  public CompactionConfig {
    if (bytesPerSecond < 1 || retainBytes < 0) {
      throw new ConfigurationException(
          "compaction needs bytesPerSecond >= 1 and retainBytes >= 0, was "
              + bytesPerSecond
              + " and "
              + retainBytes);
    }
  }
}
