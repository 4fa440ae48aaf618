package io.metafabric.replicate.arm;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;

/** Candidates for tests: from oslo to paris, 50 ms away, on an idle link, into an empty tier. */
final class Candidates {
  static final RegionName PARIS = new RegionName("paris");
  static final RegionName OSLO = new RegionName("oslo");

  private Candidates() {}

  static Candidate of(String id, double probability, int payloadBytes) {
    return of(id, probability, payloadBytes, 50, 1);
  }

  static Candidate of(
      String id, double probability, int payloadBytes, double remoteMs, double linkPressure) {
    return of(id, probability, payloadBytes, remoteMs, linkPressure, 0);
  }

  static Candidate of(
      String id,
      double probability,
      int payloadBytes,
      double remoteMs,
      double linkPressure,
      double fullness) {
    var prediction =
        new Prediction(
            Key.of("t/" + id), PARIS, probability, Duration.ofSeconds(30), "after t/0", "test");
    return new Candidate(prediction, OSLO, payloadBytes, remoteMs, 0.001, linkPressure, fullness);
  }

  static String idOf(Decision decision) {
    return decision.candidate().key().id();
  }

  static Decision decide(CostBenefitPolicy policy, Candidate candidate) {
    return policy.decide(candidate, 0, 0, 1);
  }

  static ReplicationManager manager(CostBenefitPolicy policy, CopyBudget budget) {
    return new ReplicationManager(policy, budget, true, key -> false, 0);
  }
}
