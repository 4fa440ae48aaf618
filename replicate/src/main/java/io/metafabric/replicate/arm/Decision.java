package io.metafabric.replicate.arm;

import java.util.Locale;

/**
 * What was decided about a candidate, and why. Immutable.
 *
 * @param leastRatio of benefit to cost that was asked for
 */
public record Decision(Candidate candidate, Appraisal appraisal, double leastRatio, Reason reason) {
  /** Why. */
  public enum Reason {
    WORTH_IT,
    IMPROBABLE,
    TOO_COSTLY,
    /** One was made a moment ago, or is on its way, and nobody has read it. */
    COPIED_LATELY,
    OVER_BYTES_PER_SECOND,
    OVER_DOLLARS_PER_DAY,
    OVER_STORED_BYTES,
    SWITCHED_OFF,
    /** A copy in another region was sent the payload of a write. */
    PUSHED,
    /** It was sent the header alone, and is an old one. */
    INVALIDATED,
    /** The same, and it is not counted as a copy any more. */
    DROPPED;

    boolean isOverBudget() {
      return this == OVER_BYTES_PER_SECOND
          || this == OVER_DOLLARS_PER_DAY
          || this == OVER_STORED_BYTES;
    }
  }

  /** Whether the copy is to be made. */
  public boolean copy() {
    return reason == Reason.WORTH_IT;
  }

  private String outcome() {
    return switch (reason) {
      case PUSHED, INVALIDATED, DROPPED -> reason.name().toLowerCase(Locale.ROOT);
      default -> copy() ? "copied" : "not copied";
    };
  }

  Decision refused(Reason why) {
    return new Decision(candidate, appraisal, leastRatio, why);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: %s, %d B from %s; %s; at least %.2f for 1: %s",
        outcome(),
        candidate.prediction().reason(),
        candidate.payloadBytes(),
        candidate.from(),
        appraisal,
        leastRatio,
        reason.name().toLowerCase(Locale.ROOT).replace('_', ' '));
  }
}
