package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;

/**
 * For how long a payload is kept in a region that need not hold it, and what that is worth. Pure;
 * in micro-dollars.
 *
 * <pre>
 * worth of keeping it for a time = chance that it is needed within that x what the lack would cost
 *                                - mean time that it is held x storage price
 * lack                           = (payload + overhead) x transfer price + remoteMs x price of a ms
 * </pre>
 *
 * It is kept for the time that is worth most.
 *
 * @param overheadBytes what a fetched record costs on the wire beside its payload; what is sent
 *     along with its header costs none
 */
record KeepingPolicy(Prices prices, int overheadBytes) {
  private static final double MS_PER_HOUR = 3_600_000;

  KeepingPolicy {
    if (overheadBytes < 0) {
      throw new ConfigurationException("overheadBytes must be >= 0, was " + overheadBytes);
    }
  }

  Keeping keep(CopyTerms terms, ReadOdds.Outlook outlook) {
    double lack = lack(terms);
    double perMs = storedPerMs(terms);
    Keeping best = Keeping.NOT;
    double bestWorth = 0;
    for (int span = 0; span < LifeTable.SPANS; span++) {
      double chance = outlook.chance(span);
      double storing = outlook.heldMs(span) * perMs;
      double worth = chance * lack - storing;
      if (worth > bestWorth) {
        best = new Keeping(LifeTable.endMs(span), chance, lack, storing);
        bestWorth = worth;
      }
    }
    return best;
  }

  double storedPerMs(CopyTerms terms) {
    return terms.payloadBytes() * prices.stored(terms.to()) / MS_PER_HOUR;
  }

  /**
   * Until storing it has cost half of what fetching it would: where all is kept without asking how
   * likely a read is, what nobody reads again costs no more than that.
   */
  double longestMs(CopyTerms terms) {
    double perMs = storedPerMs(terms);
    return perMs > 0 ? Math.min(Double.MAX_VALUE, lack(terms) / 2 / perMs) : Double.MAX_VALUE;
  }

  /** Along with its header. */
  double sending(CopyTerms terms) {
    return terms.payloadBytes() * prices.transferred(terms.from(), terms.to());
  }

  double lack(CopyTerms terms) {
    return ((double) terms.payloadBytes() + overheadBytes)
            * prices.transferred(terms.from(), terms.to())
        + waiting(terms);
  }

  /** What a read is worth that need not wait. */
  double waiting(CopyTerms terms) {
    return terms.remoteMs() * prices.saved(terms.to());
  }
}
