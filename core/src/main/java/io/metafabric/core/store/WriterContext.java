package io.metafabric.core.store;

import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * The context of a write: where concurrent ones are kept exactly what its writer had seen, with as
 * few lone dots as possible.
 */
final class WriterContext {
  /** Of a context that is written; more come only where a conflict is never closed. */
  static final int MAX_LONE_DOTS = 64;

  private WriterContext() {}

  /** Of a writer who has seen all of these. */
  static VersionVector ofAll(List<Sibling> versions) {
    VersionVector seen = VersionVector.EMPTY;
    for (Sibling each : versions) {
      seen = seen.merge(each.header().version().seen());
    }
    return seen;
  }

  /**
   * What a writer names who replaces versions that it need not name all of: their whole context, or
   * themselves alone where that is too much, which only happens where somebody makes up what it has
   * seen. Whatever is not named then loses by its stamp, or was applied here.
   *
   * @param context theirs, themselves included
   * @param after is named in any case
   */
  static VersionVector orDots(VersionVector context, List<Dot> replaced, VersionVector after) {
    VersionVector whole = context.merge(after);
    if (whole.entries() <= Version.MAX_CONTEXT_ENTRIES) {
      return whole;
    }
    VersionVector named = after;
    for (Dot dot : replaced) {
      named = named.with(dot);
    }
    return named;
  }

  /**
   * Counts a lone dot among all that its actor wrote up to it, where that makes no difference: this
   * node knows what that is, and what of it has not been replaced the writer had seen.
   *
   * @param known the newest versions of the key
   * @param knownUpTo up to which counter all that an actor wrote is known here
   */
  static VersionVector folded(
      VersionVector seen, List<Sibling> known, ToLongFunction<ActorId> knownUpTo) {
    var lone = new ArrayList<Dot>();
    seen.forEachLone((actor, counter) -> lone.add(new Dot(actor, counter)));
    VersionVector folded = seen;
    // The highest of an actor first: the others may be before it.
    for (int i = lone.size() - 1; i >= 0; i--) {
      Dot dot = lone.get(i);
      if (folded.counter(dot.actor()) < dot.counter()
          && knownUpTo.applyAsLong(dot.actor()) >= dot.counter()
          && hasSeenAllBefore(dot, seen, known)) {
        folded = folded.with(dot);
      }
    }
    return folded;
  }

  private static boolean hasSeenAllBefore(Dot dot, VersionVector seen, List<Sibling> known) {
    for (Sibling each : known) {
      Dot other = each.header().version().dot();
      if (other.actor().equals(dot.actor())
          && other.counter() < dot.counter()
          && !seen.contains(other)) {
        return false;
      }
    }
    return true;
  }
}
