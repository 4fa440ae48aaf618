package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;

/**
 * Copies when a likely read saves more waiting than the copy costs. Pure.
 *
 * <pre>
 * benefit = probability x (remoteMs - localMs) x price of a millisecond
 * cost    = bytes x transfer price x link pressure + bytes x horizon x storage price
 * </pre>
 *
 * @param minProbability in [0, 1]; predictions below it are not priced
 * @param overheadBytes what a fetched record costs on the wire beside its payload
 */
public record CostBenefitPolicy(Prices prices, double minProbability, int overheadBytes) {
  private static final double DEFAULT_MIN_PROBABILITY = 0.1;
  private static final int DEFAULT_OVERHEAD_BYTES = 200;
  private static final double MS_PER_HOUR = 3_600_000;

  public CostBenefitPolicy {
    if (!(minProbability >= 0 && minProbability <= 1)) {
      throw new ConfigurationException("minProbability must be in [0, 1], was " + minProbability);
    }
    if (overheadBytes < 0) {
      throw new ConfigurationException("overheadBytes must be >= 0, was " + overheadBytes);
    }
  }

  public static CostBenefitPolicy of(Prices prices) {
    return new CostBenefitPolicy(prices, DEFAULT_MIN_PROBABILITY, DEFAULT_OVERHEAD_BYTES);
  }

  public Decision decide(Candidate candidate) {
    double probability = candidate.prediction().probability();
    double savedMs = Math.max(0, candidate.remoteMs() - candidate.localMs());
    double bytes = wireBytes(candidate);
    double hours = candidate.prediction().horizon().toMillis() / MS_PER_HOUR;
    double benefit = probability * savedMs * prices.perSavedMs();
    double cost =
        bytes * prices.perTransferredByte() * candidate.linkPressure()
            + bytes * hours * prices.perStoredByteHour();
    var decision = new Decision(candidate, true, benefit, cost, Decision.Reason.WORTH_IT);
    if (probability < minProbability) {
      return decision.refused(Decision.Reason.IMPROBABLE);
    }
    return benefit > cost ? decision : decision.refused(Decision.Reason.TOO_COSTLY);
  }

  /** What the copy takes on the link. */
  long wireBytes(Candidate candidate) {
    return (long) candidate.payloadBytes() + overheadBytes;
  }
}
