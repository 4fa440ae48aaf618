package io.metafabric.core.store;

import io.metafabric.core.conflict.ConflictRules;
import java.time.Duration;

/**
 * What becomes of concurrent writes.
 *
 * @param rules the same in all regions
 * @param maxClockSkew changes stamped further ahead are held back until they are not
 */
public record ConflictConfig(ConflictRules rules, Duration maxClockSkew) {
  public static final ConflictConfig DEFAULT =
      new ConflictConfig(ConflictRules.DEFAULT, Duration.ofSeconds(60));
}
