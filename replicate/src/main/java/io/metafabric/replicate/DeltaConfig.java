package io.metafabric.replicate;

import io.metafabric.core.error.ConfigurationException;

/**
 * When payloads are sent as deltas. Immutable.
 *
 * @param minFewBytes shorter payloads go whole
 * @param minBytes in a frame of more than a few records, shorter payloads go whole: what a delta
 *     takes beside its bytes, and what a compressed batch makes of similar records, leaves nothing
 *     to gain
 * @param knownBytes of heap, for each peer, for payloads that it is known to hold
 * @param bytesPerSecond for each peer, of payloads and their bases, that may be compared: bounds
 *     the processor's time, and what is beyond goes whole
 * @param sampleBytes of heap, for each of a few namespaces, for payloads of which a dictionary is
 *     trained
 */
public record DeltaConfig(
    int minFewBytes, int minBytes, long knownBytes, long bytesPerSecond, int sampleBytes) {
  /** At 32 MiB/s, which a core does in a tenth of a second. */
  public static final DeltaConfig DEFAULT = new DeltaConfig(64, 256, 8 << 20, 32 << 20, 32 << 10);

  public DeltaConfig {
    if (minFewBytes < 1
        || minBytes < minFewBytes
        || knownBytes < 0
        || bytesPerSecond < 1
        || sampleBytes < 1) {
      throw new ConfigurationException(
          "deltas need at least 1 byte, of few no more than of many, no less than nothing to"
              + " remember, and 1 byte a second and of samples, not "
              + minFewBytes
              + ", "
              + minBytes
              + ", "
              + knownBytes
              + ", "
              + bytesPerSecond
              + " and "
              + sampleBytes);
    }
  }
}
