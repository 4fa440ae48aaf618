package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Whether this node's clock is the one that is wrong: it is if most of the peers, and at least two,
 * are further from it than changes may be. One alone cannot tell whose it is. Regions that were
 * evicted are not asked. Belongs to the loop, but for {@link #problem}.
 */
final class ClockAgreement {
  private static final int MIN_WITNESSES = 2;

  private final Set<RegionName> peers;
  private final Duration maxSkew;
  private final Map<RegionName, Double> offsetsMs = new TreeMap<>();
  private volatile @Nullable String problem;

  ClockAgreement(Collection<RegionName> peers, Duration maxSkew) {
    this.peers = new TreeSet<>(peers);
    this.maxSkew = maxSkew;
  }

  /**
   * @param offsetMs by how much the peer's clock is ahead of ours, as it seems
   * @param rttMs half of it is how wrong that may be
   */
  void measured(RegionName peer, double offsetMs, double rttMs) {
    boolean isFar = Math.abs(offsetMs) - rttMs / 2 > maxSkew.toMillis();
    if (isFar && peers.contains(peer)) {
      offsetsMs.put(peer, offsetMs);
    } else {
      offsetsMs.remove(peer);
    }
    judge();
  }

  /** Nothing is heard of its clock any more. */
  void forget(RegionName peer) {
    offsetsMs.remove(peer);
    judge();
  }

  /** The peer was evicted. */
  void exclude(RegionName peer) {
    peers.remove(peer);
    forget(peer);
  }

  /** It was taken in again. */
  void include(RegionName peer) {
    peers.add(peer);
    judge();
  }

  private void judge() {
    int witnesses = offsetsMs.size();
    problem =
        witnesses >= MIN_WITNESSES && 2 * witnesses > peers.size()
            ? "the clock of this node is more than "
                + maxSkew
                + " from those of most of its peers, which are ahead by (ms) "
                + offsetsMs
                + "; nothing is written until that is set right"
            : null;
  }

  /** What a writer is told; null if all is well. */
  @Nullable String problem() {
    return problem;
  }
}
