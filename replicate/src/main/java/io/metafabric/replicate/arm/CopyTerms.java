package io.metafabric.replicate.arm;

import io.metafabric.core.record.RegionName;

/**
 * A payload that a region need not hold, as far as money is concerned. Immutable.
 *
 * @param from the region that sends it, or would be asked for it
 * @param to the region that need not hold it
 * @param remoteMs what a read waits there that must fetch it
 */
public record CopyTerms(RegionName from, RegionName to, int payloadBytes, double remoteMs) {
  public CopyTerms {
    if (payloadBytes < 0) {
      throw new IllegalArgumentException("payloadBytes must be >= 0, was " + payloadBytes);
    }
    if (!(remoteMs >= 0) || Double.isInfinite(remoteMs)) {
      throw new IllegalArgumentException("remoteMs must be finite and >= 0, was " + remoteMs);
    }
  }
}
