package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a peer has said in answer to heartbeats, and since when it is true. An answer was given
 * after its heartbeat was sent: that moment is known by this node's own clock, and no other clock
 * is asked. The loop writes, any thread reads.
 */
final class PeerStanding {
  /** Heartbeats whose answers may still be under way. */
  private static final int MAX_UNANSWERED = 64;

  /**
   * @param othersNanos up to when each region's changes had come to the peer
   */
  private record Said(Map<RegionName, Long> othersNanos, VersionVector applied) {
    static final Said NOTHING = new Said(Map.of(), VersionVector.EMPTY);
  }

  private final Clock clock;
  private final long[] sentNanos = new long[MAX_UNANSWERED];
  private long lastSent;
  private long lastAnswered;

  private volatile @Nullable Long freshNanos;
  private volatile Said said = Said.NOTHING;

  PeerStanding(Clock clock) {
    this.clock = clock;
  }

  /** Sequences go up by one. */
  void sent(long sequence) {
    lastSent = sequence;
    sentNanos[(int) (sequence % MAX_UNANSWERED)] = clock.nanoTime();
  }

  /** Whether a heartbeat is under way that will be answered, or was just now. */
  boolean isAsked(long longestNanos) {
    long atNanos = sentNanos[(int) (lastSent % MAX_UNANSWERED)];
    return lastSent > lastAnswered && clock.nanoTime() - atNanos < longestNanos;
  }

  /**
   * @return false if all that the peer says to have applied names more than {@link
   *     Provenance#MAX_TOLD_ACTORS}: then nothing of it was taken
   */
  boolean heard(Frame.Standing standing) {
    long sequence = standing.sequence();
    if (sequence < 1 || sequence > lastSent || sequence <= lastSent - MAX_UNANSWERED) {
      return true;
    }
    Said earlier = said;
    VersionVector applied =
        standing.whole() ? standing.applied() : earlier.applied().merge(standing.applied());
    if (applied.size() > Provenance.MAX_TOLD_ACTORS) {
      return false;
    }
    lastAnswered = Math.max(lastAnswered, sequence);
    long atNanos = sentNanos[(int) (sequence % MAX_UNANSWERED)];
    if (standing.ownMs() != Frame.Standing.UNKNOWN) {
      long nanos = before(atNanos, standing.ownMs());
      Long known = freshNanos;
      freshNanos = known == null || nanos - known > 0 ? (Long) nanos : known;
    }
    var others = new TreeMap<>(earlier.othersNanos());
    standing
        .othersMs()
        .forEach(
            (region, ms) ->
                others.merge(region, before(atNanos, ms), (one, two) -> one - two > 0 ? one : two));
    said = new Said(others, applied);
    return true;
  }

  /** Ages are told without the rest of their last millisecond. */
  private static long before(long nanos, long ms) {
    return nanos - (ms + 1) * 1_000_000;
  }

  /** What has come here stays here; what is there may be gone when it comes back. */
  void disconnected() {
    said = Said.NOTHING;
  }

  /** Up to when all of the peer's changes are here; null if that was never said. */
  @Nullable Long freshNanos() {
    return freshNanos;
  }

  /** Up to when all of a region's changes are at the peer; null if it has not said so. */
  @Nullable Long freshNanosOf(RegionName region) {
    return said.othersNanos().get(region);
  }

  /** Heap that it takes, by estimate. Any thread. */
  long estimatedBytes() {
    return (long) said.applied().size() * VersionVector.ENTRY_BYTES;
  }

  /** What the peer has durably applied. */
  VersionVector applied() {
    return said.applied();
  }
}
