package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import java.util.Collection;
import java.util.TreeMap;

/**
 * What the wall clocks of the other members showed when they were heard last. What has expired by
 * all of them, and by this node's, has expired for whoever asks anywhere; by one clock alone it may
 * be that this one is wrong. A member that is away holds its time back, as it does the stable
 * floor. Thread-safe.
 */
final class MemberClocks {
  private static final long NOT_HEARD = Long.MIN_VALUE;

  private final TreeMap<RegionName, Long> heardMs = new TreeMap<>();

  MemberClocks(Collection<RegionName> peers) {
    peers.forEach(this::include);
  }

  /** The last one counts, also if it is earlier: the clock was set right, or wrong. */
  synchronized void heard(RegionName peer, long wallMs) {
    heardMs.computeIfPresent(peer, (name, before) -> wallMs);
  }

  /** Nobody waits for the region any more. */
  synchronized void exclude(RegionName peer) {
    heardMs.remove(peer);
  }

  /** Everybody does, whatever was heard of it before. */
  synchronized void include(RegionName peer) {
    heardMs.put(peer, NOT_HEARD);
  }

  /**
   * @param ownMs what this node's clock shows
   * @return epoch milliseconds; before all time if a member was not heard
   */
  synchronized long leastMs(long ownMs) {
    long least = ownMs;
    for (long each : heardMs.values()) {
      least = Math.min(least, each);
    }
    return least;
  }
}
