package io.metafabric.core.sim;

import java.time.Duration;

/**
 * One direction between two nodes.
 *
 * <p>Without jitter, loss and duplication a connection delivers every frame once and in order, as
 * TCP does. Each of the three breaks one of these promises.
 *
 * @param delay of every message
 * @param jitter up to which each message is delayed further, at random: messages overtake each
 *     other
 * @param loss probability that a frame is lost, and the connection goes on as if nothing was
 * @param duplication probability that a frame arrives twice
 * @param bytesPerSecond of frames, one after the other; {@link Long#MAX_VALUE} for no bound
 */
public record SimLink(
    Duration delay, Duration jitter, double loss, double duplication, long bytesPerSecond) {
  public SimLink {
    if (delay.isNegative() || jitter.isNegative()) {
      throw new IllegalArgumentException("delay and jitter must be >= 0: " + delay + ", " + jitter);
    }
    if (!(loss >= 0 && loss <= 1 && duplication >= 0 && duplication <= 1)) {
      throw new IllegalArgumentException("not probabilities: " + loss + ", " + duplication);
    }
  }

  /** As fast as frames come. */
  public SimLink(Duration delay, Duration jitter, double loss, double duplication) {
    this(delay, jitter, loss, duplication, Long.MAX_VALUE);
  }

  /** In order, once, after {@code delay}, no faster than a rate. */
  public static SimLink throttled(Duration delay, long bytesPerSecond) {
    return new SimLink(delay, Duration.ZERO, 0, 0, bytesPerSecond);
  }

  /** In order, once, after {@code delay}. */
  public static SimLink perfect(Duration delay) {
    return new SimLink(delay, Duration.ZERO, 0, 0);
  }
}
