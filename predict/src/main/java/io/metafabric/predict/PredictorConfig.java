package io.metafabric.predict;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;

/**
 * What a predictor is given when it is made. Immutable.
 *
 * @param region where its fabric is
 * @param maxBytes how much heap it may retain
 * @param seed for whatever it draws by chance: the same seed, the same predictions. Hashes are
 *     seeded with it, so whoever chooses keys must not be able to guess it
 */
public record PredictorConfig(RegionName region, long maxBytes, long seed) {
  public static final long DEFAULT_MAX_BYTES = 48L << 20;
  public static final long MIN_MAX_BYTES = 64L << 10;

  public PredictorConfig {
    if (maxBytes < MIN_MAX_BYTES) {
      throw new ConfigurationException(
          "a predictor needs at least " + MIN_MAX_BYTES + " bytes, maxBytes was " + maxBytes);
    }
  }
}
