package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Whether this node's clock is the one that is wrong: it is if most of the peers, and at least two,
 * are further from it than changes may be. One alone cannot tell whose it is. Belongs to the loop,
 * but for {@link #problem}.
 */
final class ClockAgreement {
  private static final int MIN_WITNESSES = 2;

  private final int peers;
  private final Duration maxSkew;
  private final Map<RegionName, Double> offsetsMs = new TreeMap<>();
  private volatile @Nullable String problem;

  ClockAgreement(int peers, Duration maxSkew) {
    this.peers = peers;
    this.maxSkew = maxSkew;
  }

  /**
   * @param offsetMs by how much the peer's clock is ahead of ours, as it seems
   * @param rttMs half of it is how wrong that may be
   */
  void measured(RegionName peer, double offsetMs, double rttMs) {
    if (Math.abs(offsetMs) - rttMs / 2 > maxSkew.toMillis()) {
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

  private void judge() {
    int witnesses = offsetsMs.size();
    problem =
        witnesses >= MIN_WITNESSES && 2 * witnesses > peers
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
