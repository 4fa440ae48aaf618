package io.metafabric.replicate.arm;

import java.time.Duration;

/**
 * A copy that is kept in memory for as long as it is expected to pay.
 *
 * @param bytes that it takes here, all told
 * @param age since it came
 * @param expiresIn unless it is read or written before, or others need the room
 */
public record KeptCopy(Cause cause, long bytes, Duration age, Duration expiresIn) {
  /** How a copy came to be kept. */
  public enum Cause {
    /** Another region sent it: with a change, or behind one. */
    SENT,
    /** It was read here. */
    READ,
    /** It was written here. */
    WRITTEN
  }
}
