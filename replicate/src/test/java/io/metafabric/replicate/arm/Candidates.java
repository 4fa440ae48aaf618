package io.metafabric.replicate.arm;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;

/** Candidates for tests: 50 ms away, on an idle link. */
final class Candidates {
  private Candidates() {}

  static Candidate of(String id, double probability, int payloadBytes) {
    return of(id, probability, payloadBytes, 50, 1);
  }

  static Candidate of(
      String id, double probability, int payloadBytes, double remoteMs, double linkPressure) {
    var prediction =
        new Prediction(
            Key.of("t/" + id),
            new RegionName("paris"),
            probability,
            Duration.ofSeconds(30),
            "after t/0",
            "test");
    return new Candidate(prediction, payloadBytes, remoteMs, 0.001, linkPressure);
  }

  static String idOf(Decision decision) {
    return decision.candidate().prediction().key().id();
  }
}
