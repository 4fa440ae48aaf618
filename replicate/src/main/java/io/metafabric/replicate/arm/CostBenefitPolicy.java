package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;

/**
 * Copies when a likely read saves more waiting than the copy costs. Pure.
 *
 * <pre>
 * benefit = probability x reads that would wait x (remoteMs - localMs) x price of a millisecond
 * cost    = (bytes + expected updates x bytes) x transfer price x link pressure
 *           + bytes x horizon x storage price x pressure on the tier
 * </pre>
 *
 * @param minProbability in [0, 1]; predictions below it are not copied
 * @param overheadBytes what a fetched record costs on the wire beside its payload
 */
public record CostBenefitPolicy(Prices prices, double minProbability, int overheadBytes) {
  private static final double DEFAULT_MIN_PROBABILITY = 0.1;
  private static final int DEFAULT_OVERHEAD_BYTES = 200;
  private static final double SECONDS_PER_HOUR = 3_600;
  private static final double MS_PER_SECOND = 1_000;

  /** Of a full tier: room that must be made for each copy costs others theirs. */
  private static final double MAX_TARGET_PRESSURE = 100;

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

  CostBenefitPolicy withPrices(Prices other) {
    return new CostBenefitPolicy(other, minProbability, overheadBytes);
  }

  /** For copies that are to stay, by the same prices. */
  KeepingPolicy keeping() {
    return new KeepingPolicy(prices, overheadBytes);
  }

  /** For shadows, by the same prices. */
  ShadowPolicy shadows() {
    return new ShadowPolicy(prices, overheadBytes);
  }

  /**
   * @param readsPerSecond of the key, in the region where the copy would be
   * @param updatesPerSecond of the key, by other regions
   * @param leastRatio of benefit to cost
   */
  public Decision decide(
      Candidate candidate, double readsPerSecond, double updatesPerSecond, double leastRatio) {
    Appraisal appraisal = appraise(candidate, readsPerSecond, updatesPerSecond);
    Decision.Reason reason = Decision.Reason.WORTH_IT;
    if (appraisal.probability() < minProbability) {
      reason = Decision.Reason.IMPROBABLE;
    } else if (!(appraisal.benefit() > appraisal.cost() * leastRatio)) {
      reason = Decision.Reason.TOO_COSTLY;
    }
    return new Decision(candidate, appraisal, leastRatio, reason);
  }

  private Appraisal appraise(Candidate candidate, double readsPerSecond, double updatesPerSecond) {
    RegionName to = candidate.prediction().region();
    double seconds = candidate.prediction().horizon().toMillis() / MS_PER_SECOND;
    double transfer = wireBytes(candidate) * prices.transferred(candidate.from(), to);
    double updates = updatesPerSecond * seconds;
    return new Appraisal(
        candidate.prediction().probability(),
        1 + readsPerSecond * candidate.remoteMs() / MS_PER_SECOND,
        updates,
        Math.max(0, candidate.remoteMs() - candidate.localMs()),
        prices.saved(to),
        0,
        transfer,
        wireBytes(candidate) * seconds / SECONDS_PER_HOUR * prices.stored(to),
        updates * transfer,
        candidate.linkPressure(),
        Math.min(MAX_TARGET_PRESSURE, 1 / (1 - candidate.targetFullness())));
  }

  /** What the copy takes on the link. */
  long wireBytes(Candidate candidate) {
    return (long) candidate.payloadBytes() + overheadBytes;
  }
}
