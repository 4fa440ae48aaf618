package io.metafabric.replicate.arm;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;

/**
 * A copy that could be made. Immutable.
 *
 * @param from the region that would send it
 * @param payloadBytes what would be copied
 * @param remoteMs what a read waits without the copy
 * @param localMs what it waits with it
 * @param linkPressure 1 when the link is idle, more when it is busy
 * @param targetFullness of the tier that would take it, in [0, 1]
 */
public record Candidate(
    Prediction prediction,
    RegionName from,
    int payloadBytes,
    double remoteMs,
    double localMs,
    double linkPressure,
    double targetFullness) {
  public Candidate {
    if (payloadBytes < 0) {
      throw new IllegalArgumentException("payloadBytes must be >= 0, was " + payloadBytes);
    }
    requireAtLeast(0, "remoteMs", remoteMs);
    requireAtLeast(0, "localMs", localMs);
    requireAtLeast(1, "linkPressure", linkPressure);
    if (!(targetFullness >= 0 && targetFullness <= 1)) {
      throw new IllegalArgumentException("targetFullness must be in [0, 1], was " + targetFullness);
    }
  }

  private static void requireAtLeast(double least, String name, double value) {
    if (!(value >= least) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be finite and >= " + least + ", was " + value);
    }
  }

  Key key() {
    return prediction.key();
  }
}
