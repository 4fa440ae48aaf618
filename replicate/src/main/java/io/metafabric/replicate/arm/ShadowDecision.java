package io.metafabric.replicate.arm;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What was decided about a shadow that is to be made, or to live on. Immutable.
 *
 * @param appraisal what it costs or has cost, and what one read of it, or those that there were,
 *     are worth
 * @param refusal why not; null if so
 */
public record ShadowDecision(Appraisal appraisal, Decision.@Nullable Reason refusal) {
  public boolean isPaid() {
    return refusal == null;
  }

  /** Whether it can be paid for a moment later. */
  public boolean canWait() {
    return refusal == Decision.Reason.OVER_BYTES_PER_SECOND;
  }

  /** In words; empty if it is paid. */
  public String why() {
    return refusal == null ? "" : refusal.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  @Override
  public String toString() {
    return isPaid() ? appraisal.toString() : why() + "; " + appraisal;
  }
}
