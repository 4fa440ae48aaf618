package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Short words for reads and what is predicted after them. */
final class Reads {
  static final RegionName PARIS = new RegionName("paris");

  private Reads() {}

  /** One client reads these ids in this order. */
  static List<AccessEvent> by(String client, String... ids) {
    var events = new ArrayList<AccessEvent>();
    for (String id : ids) {
      events.add(
          new AccessEvent(client, "t/" + id, PARIS, events.size(), AccessEvent.Outcome.WARM));
    }
    return events;
  }

  static PredictionContext at(String client, String... newestFirst) {
    return new PredictionContext(
        client,
        List.of(newestFirst).stream().map(id -> "t/" + id).toList(),
        PARIS,
        0,
        Duration.ofSeconds(30),
        8);
  }

  static Prediction prediction(String id, double probability, String predictor) {
    return new Prediction(
        Key.of("t/" + id), PARIS, probability, Duration.ofSeconds(30), "because", predictor);
  }

  static List<String> ids(List<Prediction> predictions) {
    return predictions.stream().map(prediction -> prediction.key().id()).toList();
  }
}
