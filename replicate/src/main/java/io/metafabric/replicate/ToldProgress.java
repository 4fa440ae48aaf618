package io.metafabric.replicate;

import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a peer was told on its connection of how far this node is: what is durably applied here, and
 * which configuration it holds. Told again is what is new. Belongs to the loop.
 */
final class ToldProgress {
  private static final Duration EVERY = Duration.ofSeconds(10);

  private final RecordStore store;
  private final LinkEvents events;
  private Frame.@Nullable Configured configuredSent;
  private @Nullable VersionVector appliedSent;
  private long sentNanos;

  ToldProgress(RecordStore store, LinkEvents events) {
    this.store = store;
    this.events = events;
  }

  /** The peer is connected anew, and is told all. */
  void begin(PeerConnection to, long now) {
    appliedSent = null;
    configuredSent = null;
    tellConfiguration(to);
    tellAll(to, now);
  }

  void beat(PeerConnection to, long now) {
    if (now - sentNanos >= EVERY.toNanos()) {
      tellAll(to, now);
    }
  }

  /** The peer must know what is applied here before it may forget what is deleted. */
  private void tellAll(PeerConnection to, long now) {
    store.syncWithin(EVERY);
    tellConfiguration(to);
    VersionVector applied = store.durablyApplied();
    VersionVector before = appliedSent;
    VersionVector news = before == null ? applied : applied.beyond(before);
    if ((before == null || !news.isEmpty()) && to.send(new Frame.Progress(before == null, news))) {
      appliedSent = applied;
    }
    sentNanos = now;
  }

  /**
   * Tells the peer which configuration this node holds, unless it was told.
   *
   * @param to null if it cannot be told now
   */
  void tellConfiguration(@Nullable PeerConnection to) {
    // Asked in any case: the store takes note of how far it is durable when it is asked.
    Frame.Configured now = events.configured();
    if (to != null && now != null && !now.equals(configuredSent) && to.send(now)) {
      configuredSent = now;
    }
  }
}
