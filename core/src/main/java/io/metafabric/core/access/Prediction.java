package io.metafabric.core.access;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;

/**
 * A belief that a key is read in a region soon. Immutable.
 *
 * @param probability in [0, 1] that it is read within the horizon
 * @param reason for people, for example {@code after catalogue/41}
 * @param predictor name of the predictor that says so
 */
public record Prediction(
    Key key,
    RegionName region,
    double probability,
    Duration horizon,
    String reason,
    String predictor) {
  public Prediction {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException("probability must be in [0, 1], was " + probability);
    }
  }
}
