package io.metafabric.cache;

import java.util.HashMap;
import java.util.Map;

/**
 * Which {@link EvictionPolicy.Mode} suits what is read: each runs on a sample of the keys, with a
 * cache scaled down alike, and the one that misses least wins. What they hold is hashes alone, so
 * the memory is small and bounded. The winner keeps the lead until another is better by {@value
 * #LEAD}. Nothing is fetched ahead here: where something is, the mode in which the tier begins is
 * left only for one that is better by {@value #LEAD_AMONG_PREFETCHED}. {@link
 * EvictionPolicy.Mode#LAST_READ} does not race with the others: where {@link
 * EvictionPolicy.Mode#RECENT} leads it takes its place, once it is better beyond chance and until
 * it is worse. Not thread-safe.
 *
 * @see <a
 *     href="https://www.usenix.org/conference/atc17/technical-sessions/presentation/waldspurger">
 *     Waldspurger et al., Cache Modeling and Optimization using Miniature Simulations, 2017</a>
 */
final class ShadowRace {
  private static final EvictionPolicy.Mode[] MODES = EvictionPolicy.Mode.values();
  private static final int MAX_ENTRIES = 1024;
  private static final double LEAD = 0.015;
  private static final double LEAD_AMONG_PREFETCHED = 0.15;

  /** Requests that any of the shadows missed, from one verdict to the next. */
  private static final int MISSES_PER_VERDICT = 256;

  private static final double MEMORY = 0.9;

  /** Of two modes that hardly differ more has to be seen. */
  private static final double MEMORY_OF_TWO = 0.97;

  /** Standard deviations of what chance makes of two modes that are equally good. */
  private static final double BEYOND_CHANCE = 2;

  private final Shadow[] shadows = new Shadow[MODES.length];
  private final int capacity;
  private final int sampleMask;
  private EvictionPolicy.Mode winner = EvictionPolicy.Mode.PROMOTING;
  private EvictionPolicy.Mode amongPrefetched = EvictionPolicy.Mode.PROMOTING;

  /** Whether {@link EvictionPolicy.Mode#STEADY} is better than the winner of the others. */
  private boolean steadyLeads;

  /** Whether {@link EvictionPolicy.Mode#LAST_READ} is better than {@code RECENT}. */
  private boolean lastReadLeads;

  /** Reads that one of these two missed and the other did not. */
  private double disputed;

  /** Of these, those that {@code RECENT} missed, less the others. */
  private double disputedForLastRead;

  private int missesToVerdict = MISSES_PER_VERDICT;
  private long expectedFetches;

  /** One mode on the sample. */
  private static final class Shadow {
    final Map<Integer, ShadowNode> present = new HashMap<>();
    final EvictionPolicy policy;
    double misses;

    Shadow(int capacity, EvictionPolicy.Mode mode) {
      policy = new EvictionPolicy(capacity, () -> 0, node -> present.remove(node.hash()));
      policy.setMode(mode);
    }

    void forget(int hash) {
      ShadowNode node = present.remove(hash);
      if (node != null) {
        policy.remove(node);
      }
    }

    boolean access(int hash) {
      ShadowNode node = present.get(hash);
      if (node != null) {
        node.touch(policy.generation());
        return true;
      }
      node = new ShadowNode(hash);
      policy.add(node);
      present.put(hash, node);
      misses++;
      return false;
    }
  }

  private static final class ShadowNode extends QueueNode {
    private final int hash;

    ShadowNode(int hash) {
      super(1);
      this.hash = hash;
    }

    @Override
    int hash() {
      return hash;
    }
  }

  /**
   * @param entries of the cache that the winner is for
   */
  ShadowRace(int entries) {
    int shift = 0;
    while (entries >> shift > MAX_ENTRIES) {
      shift++;
    }
    this.sampleMask = (1 << shift) - 1;
    this.capacity = Math.max(1, entries >> shift);
    for (EvictionPolicy.Mode mode : MODES) {
      shadows[mode.ordinal()] = new Shadow(capacity, mode);
    }
  }

  /** The same verdicts, until there are others, for a cache of another size. */
  ShadowRace resized(int entries) {
    var next = new ShadowRace(entries);
    next.winner = winner;
    next.amongPrefetched = amongPrefetched;
    next.steadyLeads = steadyLeads;
    next.lastReadLeads = lastReadLeads;
    return next;
  }

  /** Keys of which these bits of {@link #spread} are 0 take part. */
  int sampleMask() {
    return sampleMask;
  }

  static int spread(int hash) {
    int mixed = hash * 0x85EB_CA6B;
    return mixed ^ (mixed >>> 13);
  }

  /** A read of a key that takes part, whether it was there or not. */
  void access(int hash) {
    boolean missed = false;
    boolean recentMissed = false;
    EvictionPolicy.Mode unaided = winner(false);
    for (EvictionPolicy.Mode mode : MODES) {
      boolean missedHere = !shadows[mode.ordinal()].access(hash);
      if (missedHere && mode == unaided) {
        expectedFetches += sampleMask + 1L;
      }
      if (mode == EvictionPolicy.Mode.LAST_READ) {
        dispute(recentMissed, missedHere);
      } else {
        missed |= missedHere;
      }
      if (mode == EvictionPolicy.Mode.RECENT) {
        recentMissed = missedHere;
      }
    }
    if (missed && --missesToVerdict == 0) {
      missesToVerdict = MISSES_PER_VERDICT;
      judge();
    }
  }

  private void dispute(boolean recentMissed, boolean lastReadMissed) {
    if (recentMissed != lastReadMissed) {
      disputed++;
      disputedForLastRead += recentMissed ? 1 : -1;
    }
  }

  /** A key that takes part is not to be had any more, whatever fits. */
  void forget(int hash) {
    for (Shadow shadow : shadows) {
      shadow.forget(hash);
    }
  }

  /** How many reads of all keys would have missed with nothing fetched ahead, by estimate. */
  long expectedFetches() {
    return expectedFetches;
  }

  private void judge() {
    double toBeat = toBeat(winner);
    for (EvictionPolicy.Mode mode : MODES) {
      double misses = shadows[mode.ordinal()].misses;
      if (mode != EvictionPolicy.Mode.STEADY
          && mode != EvictionPolicy.Mode.LAST_READ
          && misses < toBeat) {
        toBeat = misses;
        winner = mode;
      }
    }
    Shadow steady = shadows[EvictionPolicy.Mode.STEADY.ordinal()];
    steadyLeads =
        steadyLeads
            ? shadows[winner.ordinal()].misses >= toBeat(EvictionPolicy.Mode.STEADY)
            : steady.misses < toBeat(winner);
    double first = shadows[EvictionPolicy.Mode.PROMOTING.ordinal()].misses;
    amongPrefetched =
        shadows[winner.ordinal()].misses < (1 - LEAD_AMONG_PREFETCHED) * first
            ? winner
            : EvictionPolicy.Mode.PROMOTING;
    lastReadLeads =
        lastReadLeads
            ? disputedForLastRead >= 0
            : disputedForLastRead > BEYOND_CHANCE * Math.sqrt(disputed);
    forgetSome();
  }

  private void forgetSome() {
    for (Shadow shadow : shadows) {
      shadow.misses *= MEMORY;
    }
    disputed *= MEMORY_OF_TWO;
    disputedForLastRead *= MEMORY_OF_TWO;
  }

  private double toBeat(EvictionPolicy.Mode leading) {
    double misses = shadows[leading.ordinal()].misses;
    // The second bound keeps chance out of it while little has been seen.
    return misses - Math.max(misses * LEAD, Math.sqrt(misses));
  }

  /**
   * @param unread whether more than a little of what comes in is fetched ahead; then {@link
   *     EvictionPolicy.Mode#STEADY} does not take part, for the race does not see such entries
   */
  EvictionPolicy.Mode winner(boolean unread) {
    if (!unread && steadyLeads) {
      return EvictionPolicy.Mode.STEADY;
    }
    EvictionPolicy.Mode best = unread ? amongPrefetched : winner;
    return best == EvictionPolicy.Mode.RECENT && lastReadLeads
        ? EvictionPolicy.Mode.LAST_READ
        : best;
  }

  int capacity() {
    return capacity;
  }
}
