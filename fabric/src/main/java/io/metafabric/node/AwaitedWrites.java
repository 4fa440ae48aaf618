package io.metafabric.node;

import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import java.util.function.ToLongFunction;

/**
 * Writes that have to be applied somewhere, each with all that its actor wrote before. Whoever asks
 * again and again pays for one lookup, however many there are: as long as the one that was found
 * missing has not come, no other is looked at. Not thread-safe.
 */
final class AwaitedWrites {
  private final VersionVector writes;
  private int next;

  AwaitedWrites(VersionVector writes) {
    this.writes = writes;
  }

  /**
   * Whether none is missing.
   *
   * @param appliedUpTo up to which counter an actor's writes are applied; it never falls
   */
  boolean haveCome(ToLongFunction<ActorId> appliedUpTo) {
    for (int met = 0; met < writes.size(); met++) {
      if (appliedUpTo.applyAsLong(writes.actor(next)) < writes.counterAt(next)) {
        return false;
      }
      next = (next + 1) % writes.size();
    }
    return true;
  }
}
