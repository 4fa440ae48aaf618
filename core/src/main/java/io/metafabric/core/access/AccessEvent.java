package io.metafabric.core.access;

import io.metafabric.core.record.RegionName;

/**
 * One read of one key, as predictors see it. Immutable.
 *
 * @param client who reads: a caller identity that the host gave, or the reading thread
 * @param key {@code namespace/id}
 * @param region where it was read
 * @param atMs epoch milliseconds, to about 10 ms
 */
public record AccessEvent(
    String client, String key, RegionName region, long atMs, Outcome outcome) {
  /** Where the value was found. */
  public enum Outcome {
    HOT,
    /** In the hot tier, because it had been prefetched and was not read since. */
    PREFETCHED,
    WARM,
    REMOTE,
    ORIGIN,
    ABSENT;

    /** Whether the value had to be fetched, or would have had to be but for a prefetch. */
    public boolean isNeed() {
      return switch (this) {
        case REMOTE, ORIGIN, PREFETCHED -> true;
        case HOT, WARM, ABSENT -> false;
      };
    }
  }
}
