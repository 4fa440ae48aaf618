package io.metafabric.core.access;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;

/**
 * A belief that a key is read in a region soon. Immutable.
 *
 * @param probability in [0, 1] that it is read soon. The library's own predictor means: that it is
 *     needed, read when it has to be fetched or would have to be but for a prefetch, within the
 *     next 64 to 128 needs of the region. That is what it is calibrated for, however long it takes
 * @param horizon for how long this is acted on: a copy is priced for so long and kept at least as
 *     long, and a read within it counts as foreseen. The library's own predictor says 30 s
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
