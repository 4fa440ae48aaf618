package io.metafabric.core.store;

import io.metafabric.core.record.Header;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;

/**
 * Joins what two regions know of one key into the same state everywhere, whatever the order in
 * which they learn it: commutative, associative, idempotent.
 *
 * <p>A version that had seen the other wins; of concurrent ones the later stamp, then the higher
 * actor. The winner keeps its dot, and its context grows by all that the loser knew, so that the
 * loser and all before it stay covered. Since a hybrid clock gives a version a later stamp than
 * everything it has seen, the winner is the same whichever pair is compared first.
 */
public final class LastWriterWins {
  private LastWriterWins() {}

  /** What two headers of one key become. */
  public static Header join(Header a, Header b) {
    return wins(a, b) ? joined(a, b) : joined(b, a);
  }

  private static Header joined(Header winner, Header loser) {
    Version won = winner.version();
    Version lost = loser.version();
    VersionVector context = won.context().merge(lost.context());
    if (!lost.dot().equals(won.dot())) {
      context = context.with(lost.dot());
    }
    if (context.entries() > Version.MAX_CONTEXT_ENTRIES) {
      // Only what somebody has made up is so large. What is not named loses by its stamp.
      return winner;
    }
    // Only versions that no correct node issues get here with their own dot in the context.
    return context.contains(won.dot()) ? winner : winner.withVersion(won.withContext(context));
  }

  /** Whether {@code a} is what is left of the two, but for its context. */
  public static boolean wins(Header a, Header b) {
    if (sawEachOther(a.version(), b.version())) {
      return a.version().isLaterThan(b.version());
    }
    return switch (a.version().relationTo(b.version())) {
      case AFTER -> true;
      case BEFORE -> false;
      case SAME -> winsOverSameDot(a, b);
      case CONCURRENT -> a.version().isLaterThan(b.version());
    };
  }

  /** No correct node issues such versions; one that does must not stop what is behind them. */
  static boolean sawEachOther(Version a, Version b) {
    return !a.dot().equals(b.dot()) && a.covers(b.dot()) && b.covers(a.dot());
  }

  /** One dot with two payloads is a defect somewhere; regions still must agree on one of them. */
  private static boolean winsOverSameDot(Header a, Header b) {
    return Integer.compareUnsigned(a.payloadCrc32c(), b.payloadCrc32c()) >= 0;
  }
}
