package io.metafabric.core.error;

import java.time.Duration;
import java.util.Optional;

/**
 * Nobody who could be reached in time knows that its value is as fresh as was asked. Remedy: ask
 * for less, or try again when the link is back that the message names.
 */
public final class StalenessException extends FabricException {
  private static final long serialVersionUID = 1L;

  private final long bestMillis;

  /**
   * @param best the best bound that is known; empty if there is none
   */
  public StalenessException(String message, Optional<Duration> best) {
    super(message);
    this.bestMillis = best.map(Duration::toMillis).orElse(-1L);
  }

  /** How old the best answer may be; empty if nothing is known of some region. */
  public Optional<Duration> best() {
    return bestMillis < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(bestMillis));
  }
}
