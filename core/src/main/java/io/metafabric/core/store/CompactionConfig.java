package io.metafabric.core.store;

import io.metafabric.core.error.ConfigurationException;

/**
 * @param bytesPerSecond how fast compaction reads while garbage is below its bound; above it there
 *     is no limit
 * @param retainBytes how much of the journal is kept whole for peers that have not read it yet
 * @param supersededBytes how much of it may be values that are shown, as superseded, until their
 *     successors can be read; four times as much where they are writes of this region that their
 *     homes lack
 */
public record CompactionConfig(long bytesPerSecond, long retainBytes, long supersededBytes) {
  private static final long DEFAULT_SUPERSEDED_BYTES = 64L << 20;

  public static final CompactionConfig DEFAULT = new CompactionConfig(32L << 20, 256L << 20);

  public CompactionConfig {
    if (bytesPerSecond < 1 || retainBytes < 0 || supersededBytes < 0) {
      throw new ConfigurationException(
          "compaction needs bytesPerSecond >= 1, retainBytes >= 0 and supersededBytes >= 0, was "
              + bytesPerSecond
              + ", "
              + retainBytes
              + " and "
              + supersededBytes);
    }
  }

  public CompactionConfig(long bytesPerSecond, long retainBytes) {
    this(bytesPerSecond, retainBytes, DEFAULT_SUPERSEDED_BYTES);
  }
}
