package io.metafabric.benchmarks.replay;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.arm.Prices;

/**
 * Whether a changed payload is sent to a region that need not hold it, and for how long one is kept
 * there. Pure; in micro-dollars.
 *
 * <pre>
 * worth of keeping it for a time = chance that it is needed within that x what the lack would cost
 *                                - mean time that it is held x storage price
 * lack                           = (payload + overhead) x transfer price + remoteMs x price of a ms
 * </pre>
 *
 * It is kept for the time that is worth most, and sent if that is worth more than its transfer.
 *
 * @param overheadBytes what a fetched record costs on the wire beside its payload; what is sent
 *     along with its header costs none
 */
record UpdatePolicy(Prices prices, int overheadBytes) {
  /** The time that looks best is mostly a little less so. */
  private static final double MARGIN = 2;

  private static final double MS_PER_HOUR = 3_600_000;

  public UpdatePolicy {
    if (overheadBytes < 0) {
      throw new ConfigurationException("overheadBytes must be >= 0, was " + overheadBytes);
    }
  }

  /**
   * A payload in question.
   *
   * @param from the region that sends it, or would be asked for it
   * @param to the region that need not hold it
   * @param remoteMs what a read waits there that must fetch it
   */
  public record Terms(RegionName from, RegionName to, int payloadBytes, double remoteMs) {
    public Terms {
      if (payloadBytes < 0) {
        throw new IllegalArgumentException("payloadBytes must be >= 0, was " + payloadBytes);
      }
      if (!(remoteMs >= 0) || Double.isInfinite(remoteMs)) {
        throw new IllegalArgumentException("remoteMs must be finite and >= 0, was " + remoteMs);
      }
    }
  }

  /**
   * What to do with a payload.
   *
   * @param forMs how long to keep it unless it is needed before; 0 for not at all
   * @param worth of that, without its transfer
   */
  record Keeping(double forMs, double worth) {}

  /** Whether to send it along with its header, and how long to keep it then. */
  Keeping onChange(Terms terms, ReadOdds.Outlook outlook) {
    Keeping kept = keep(terms, outlook);
    return kept.worth() > MARGIN * sending(terms) ? kept : new Keeping(0, 0);
  }

  /** How long to keep what is there already. */
  Keeping keep(Terms terms, ReadOdds.Outlook outlook) {
    double lack = lack(terms);
    double perMs = storedPerMs(terms);
    double bestMs = 0;
    double bestWorth = 0;
    for (int span = 0; span < LifeTable.SPANS; span++) {
      double worth = outlook.chance(span) * lack - outlook.heldMs(span) * perMs;
      if (worth > bestWorth) {
        bestMs = LifeTable.endMs(span);
        bestWorth = worth;
      }
    }
    return new Keeping(bestMs, bestWorth);
  }

  double storedPerMs(Terms terms) {
    return terms.payloadBytes() * prices.stored(terms.to()) / MS_PER_HOUR;
  }

  /** Along with its header. */
  double sending(Terms terms) {
    return terms.payloadBytes() * prices.transferred(terms.from(), terms.to());
  }

  double lack(Terms terms) {
    return ((double) terms.payloadBytes() + overheadBytes)
            * prices.transferred(terms.from(), terms.to())
        + terms.remoteMs() * prices.saved(terms.to());
  }
}
