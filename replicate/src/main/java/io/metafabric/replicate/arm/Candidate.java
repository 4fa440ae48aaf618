package io.metafabric.replicate.arm;

import io.metafabric.core.access.Prediction;

/**
 * A copy that could be made. Immutable.
 *
 * @param payloadBytes what would be copied
 * @param remoteMs what a read waits without the copy
 * @param localMs what it waits with it
 * @param linkPressure 1 when the link is idle, more when it is busy
 */
public record Candidate(
    Prediction prediction, int payloadBytes, double remoteMs, double localMs, double linkPressure) {
  public Candidate {
    if (payloadBytes < 0) {
      throw new IllegalArgumentException("payloadBytes must be >= 0, was " + payloadBytes);
    }
    requireAtLeast(0, "remoteMs", remoteMs);
    requireAtLeast(0, "localMs", localMs);
    requireAtLeast(1, "linkPressure", linkPressure);
  }

  private static void requireAtLeast(double least, String name, double value) {
    if (!(value >= least) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be finite and >= " + least + ", was " + value);
    }
  }
}
