package io.metafabric.cache.chronicle;

import io.metafabric.core.error.ConfigurationException;

/**
 * @param maxBytes size of the file, which is taken from the disk at once; a small part is added for
 *     the map's own tables
 */
public record ChronicleConfig(long maxBytes) {
  public static final long MIN_BYTES = 4 << 20;
  public static final long MAX_BYTES = 1L << 40;

  public ChronicleConfig {
    if (maxBytes < MIN_BYTES || maxBytes > MAX_BYTES) {
      throw new ConfigurationException(
          "the warm tier must have " + MIN_BYTES + " to " + MAX_BYTES + " bytes, was " + maxBytes);
    }
  }
}
