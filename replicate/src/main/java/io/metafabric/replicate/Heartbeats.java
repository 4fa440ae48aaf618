package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.wire.Frame;

/**
 * The heartbeats to one peer: what each says of the changes that wait here, and what an answer
 * shows of the way there and of the peer's clock. Belongs to the loop.
 */
final class Heartbeats {
  private final RegionName peer;
  private final Clock clock;
  private final RegionPair pair;
  private final OutgoingChanges changes;
  private final PeerStanding standing;
  private final RoundTrips trips;
  private final LinkEvents events;
  private long sequence;
  private long sentNanos;

  Heartbeats(
      RegionName peer,
      Clock clock,
      RegionPair pair,
      OutgoingChanges changes,
      PeerStanding standing,
      RoundTrips trips,
      LinkEvents events) {
    this.peer = peer;
    this.clock = clock;
    this.pair = pair;
    this.changes = changes;
    this.standing = standing;
    this.trips = trips;
    this.events = events;
  }

  void send(PeerConnection to) {
    sentNanos = clock.nanoTime();
    Frame.Backlog backlog = changes.backlog(events.mayClaimAll(peer));
    pair.sentUpToDate(backlog.upToDate());
    standing.sent(++sequence);
    to.send(new Frame.Heartbeat(sequence, clock.wallMs(), backlog));
  }

  /** When the last one was sent. */
  long sentNanos() {
    return sentNanos;
  }

  void answered(Frame.HeartbeatReply reply) {
    if (reply.sequence() == sequence) {
      pair.answered(sentNanos, reply.wallMs());
      double sampleMs = (clock.nanoTime() - sentNanos) / 1e6;
      trips.measured(sampleMs);
      events.onClock(peer, reply.wallMs(), pair.clockOffsetMs(), sampleMs);
    }
  }
}
