package io.metafabric.predict;

import java.util.List;
import java.util.Locale;

/**
 * A prediction that was let through, and what came of it. Immutable.
 *
 * @param probability as it was said: see {@link io.metafabric.core.access.Prediction#probability}
 * @param atMs when, in epoch milliseconds, to about 10 ms
 * @param reason for people
 * @param says which sources proposed it, the surest first; empty of a predictor without sources
 */
public record PastPrediction(
    String predictor, double probability, String reason, List<Say> says, long atMs, Result result) {
  /**
   * What one source said.
   *
   * @param source as in {@code needs-first-order}
   * @param probability as its word alone has come true of late
   */
  public record Say(String source, double probability) {
    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%s %.2f", source, probability);
    }
  }

  public PastPrediction {
    says = List.copyOf(says);
  }

  /** What came of it, as far as is known. */
  public enum Result {
    /** Nothing was fetched, and the key has not been needed. */
    NOT_NEEDED,
    /** Nothing was fetched, and the key was needed. */
    NEEDED,
    /** It was fetched, and has not been read. */
    FETCHED,
    /** It was fetched, and was there when it was read. */
    USED,
    /** It was fetched, and was still on its way when it was read. */
    LATE,
    /** It was fetched, and went unread. */
    WASTED
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: p=%.2f %s%s: %s",
        predictor,
        probability,
        reason,
        says.isEmpty() ? "" : " " + says,
        result.name().toLowerCase(Locale.ROOT).replace('_', ' '));
  }
}
