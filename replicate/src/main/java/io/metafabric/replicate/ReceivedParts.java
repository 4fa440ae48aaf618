package io.metafabric.replicate;

import io.metafabric.core.version.ActorId;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * How far the changes that a peer sends in parts over one connection are taken, and published. It
 * says where the stream goes on, and nothing of what is complete. Belongs to the loop.
 */
final class ReceivedParts {
  /** As many as may come otherwise. */
  static final int MAX_ACTORS = Provenance.MAX_ACTORS_OF_A_REGION;

  private final Map<ActorId, Long> taken = new HashMap<>();
  private final Map<ActorId, Long> published = new HashMap<>();
  private int refusals;
  private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);

  /** Up to which counter an actor's changes are published here or on their way to the journal. */
  long takenUpTo(ActorId actor) {
    return taken.getOrDefault(actor, 0L);
  }

  /** Whether it knows so many others that it takes no more. */
  boolean isFullFor(ActorId actor) {
    return taken.size() >= MAX_ACTORS && !taken.containsKey(actor);
  }

  long publishedUpTo(ActorId actor) {
    return published.getOrDefault(actor, 0L);
  }

  /** A part is on its way to the journal; returns what tells it from those before a refusal. */
  int takes(ActorId actor, long upTo) {
    taken.merge(actor, upTo, Math::max);
    return refusals;
  }

  /**
   * A part is durable once those before it are: one that has nothing new, or nothing at all, would
   * be at once.
   */
  CompletableFuture<Void> behindOthers(CompletableFuture<Void> part) {
    last = last.thenCombine(part, (before, now) -> null);
    return last;
  }

  /** Returns whether it counts: nothing before it was refused. */
  boolean isPublished(ActorId actor, long upTo, int takenAt) {
    if (takenAt != refusals) {
      return false;
    }
    published.merge(actor, upTo, Math::max);
    return true;
  }

  /** What was taken behind it has nothing to stand on: all of it comes again. */
  void isRefused(int takenAt) {
    if (takenAt == refusals) {
      refusals++;
      last = CompletableFuture.completedFuture(null);
      taken.clear();
      taken.putAll(published);
    }
  }
}
