package io.metafabric.replicate.arm;

import java.util.Locale;

/**
 * What was decided about a candidate, and why. Immutable; all amounts in micro-dollars.
 *
 * @param copy whether the copy is to be made
 */
public record Decision(
    Candidate candidate, boolean copy, double benefit, double cost, Reason reason) {
  /** Why. */
  public enum Reason {
    WORTH_IT,
    IMPROBABLE,
    TOO_COSTLY,
    OVER_BUDGET,
    SWITCHED_OFF
  }

  Decision refused(Reason why) {
    return new Decision(candidate, false, benefit, cost, why);
  }

  /** Benefit for each micro-dollar; what is free comes first. */
  double ratio() {
    return cost == 0 ? Double.POSITIVE_INFINITY : benefit / cost;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: p=%.2f %s, %d B, saves %.1f ms, benefit %.4f, cost %.4f micro-dollars: %s",
        copy ? "copied" : "not copied",
        candidate.prediction().probability(),
        candidate.prediction().reason(),
        candidate.payloadBytes(),
        candidate.remoteMs() - candidate.localMs(),
        benefit,
        cost,
        reason.name().toLowerCase(Locale.ROOT).replace('_', ' '));
  }
}
