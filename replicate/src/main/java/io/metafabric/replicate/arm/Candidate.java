package io.metafabric.replicate.arm;

import io.metafabric.core.access.Prediction;

/**
 * A copy that could be made. Immutable.
 *
 * @param remoteMs what a read waits without the copy
 * @param localMs what it waits with it
 * @param linkPressure 1 when the link is idle, more when it is busy
 */
public record Candidate(
    Prediction prediction, int payloadBytes, double remoteMs, double localMs, double linkPressure) {
  public Candidate {
    if (payloadBytes < 0 || !(remoteMs >= 0) || !(localMs >= 0) || !(linkPressure >= 1)) {
      throw new IllegalArgumentException(
          "not a candidate: "
              + payloadBytes
              + " B, "
              + remoteMs
              + " ms remote, "
              + localMs
              + " ms local, pressure "
              + linkPressure);
    }
  }
}
