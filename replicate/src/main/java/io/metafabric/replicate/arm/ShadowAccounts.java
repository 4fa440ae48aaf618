package io.metafabric.replicate.arm;

import io.metafabric.core.record.RegionName;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Pays for shadows out of the budget of this region, and counts by the other region what they cost
 * and brought. Not thread-safe; the caller owns the clock.
 */
final class ShadowAccounts {
  private static final double MICRO = 1e6;

  private final CopyAccount account;

  /** By the region that a payload came from, or was sent to. */
  private final Map<RegionName, CopyTotals> totals = new TreeMap<>();

  ShadowAccounts(CopyAccount account) {
    this.account = account;
  }

  /** For one here, made on a read or a prediction. */
  ShadowDecision make(
      ShadowPolicy policy, CopyTerms terms, boolean isSent, double forMs, long nowNanos) {
    Appraisal price = policy.making(terms, isSent, forMs);
    long wireBytes = isSent ? policy.wireBytes(terms) : 0;
    return made(terms.from(), wireBytes, price, account.pay(wireBytes, price.price(), 0, nowNanos));
  }

  /** For one in another region that was asked for by name, which bargains wait for. */
  ShadowDecision send(ShadowPolicy policy, CopyTerms terms, double forMs, long nowNanos) {
    Appraisal price = policy.making(terms, true, forMs);
    long wireBytes = policy.wireBytes(terms);
    return made(terms.to(), wireBytes, price, account.payAsked(wireBytes, price.price(), nowNanos));
  }

  private ShadowDecision made(
      RegionName other, long wireBytes, Appraisal price, Decision.@Nullable Reason refusal) {
    if (refusal == null) {
      count(other, CopyTotals.NONE.made(wireBytes, price.price() / MICRO));
    }
    return new ShadowDecision(price, refusal);
  }

  /** What one here has earned since it was looked at; what that has saved counts. */
  ShadowDecision earned(ShadowPolicy policy, ShadowUse use) {
    Appraisal earned = policy.earned(use);
    if (use.reads() > 0) {
      double savedMs = use.reads() * earned.savedMs();
      count(use.terms().from(), CopyTotals.NONE.used(savedMs, savedMs * earned.perMs() / MICRO));
    }
    return new ShadowDecision(
        earned, ShadowPolicy.pays(earned) ? null : Decision.Reason.TOO_COSTLY);
  }

  private void count(RegionName other, CopyTotals more) {
    totals.merge(other, more, CopyTotals::plus);
  }

  Map<RegionName, CopyTotals> totals() {
    return Map.copyOf(totals);
  }
}
