package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What every region has applied: the minimum over all of them, offline ones included. What is under
 * it can come from nowhere any more but as a duplicate. Thread-safe.
 */
final class StableFloor {
  private final Set<RegionName> peers;
  private final Map<RegionName, VersionVector> applied = new HashMap<>();

  StableFloor(Collection<RegionName> peers) {
    this.peers = Set.copyOf(peers);
  }

  /** A peer said how far it is; what it says first on a connection may be less than it was once. */
  synchronized void heard(RegionName peer, Frame.Progress progress) {
    VersionVector before = applied.getOrDefault(peer, VersionVector.EMPTY);
    applied.put(peer, progress.whole() ? progress.applied() : before.merge(progress.applied()));
  }

  synchronized VersionVector stable(VersionVector here) {
    VersionVector floor = here;
    for (RegionName peer : peers) {
      floor = floor.meet(applied.getOrDefault(peer, VersionVector.EMPTY));
    }
    return floor;
  }
}
