package io.metafabric.node;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.replicate.shadow.ShadowRules;

/**
 * @param rules what shadows there are to be at first
 * @param maxBytes what those that this region has may take in memory, 0 to 64 GiB; with 0 it has
 *     none
 */
public record ShadowConfig(ShadowRules rules, long maxBytes) {
  public static final long MAX_BYTES = 64L << 30;
  public static final ShadowConfig DEFAULT = new ShadowConfig(ShadowRules.NONE, 64L << 20);

  public ShadowConfig {
    if (maxBytes < 0 || maxBytes > MAX_BYTES) {
      throw new ConfigurationException(
          "shadowBytes must be 0 to " + MAX_BYTES + ", was " + maxBytes);
    }
  }
}
