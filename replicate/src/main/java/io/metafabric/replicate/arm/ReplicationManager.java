package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The adaptive replication manager (ARM): prices candidates, and spends a budget on the best.
 * Decides only; the copies are the caller's to make. Thread-safe.
 */
public final class ReplicationManager {
  private static final long MAX_LOG_BYTES = 1L << 20;

  /** The key comes last so that the same candidates in another order are decided the same. */
  private static final Comparator<Decision> BEST_FIRST =
      Comparator.comparingDouble(Decision::ratio)
          .reversed()
          .thenComparing(decision -> decision.candidate().prediction().key());

  private final CostBenefitPolicy policy;
  private final CopyBudget budget;
  private final DecisionLog log = new DecisionLog(MAX_LOG_BYTES);
  private final Map<Decision.Reason, Long> counts = new EnumMap<>(Decision.Reason.class);
  private volatile boolean enabled;

  /**
   * @param budgetBytesPerSecond what copies may cost the link; a second's worth may go at once
   */
  public ReplicationManager(
      CostBenefitPolicy policy, long budgetBytesPerSecond, boolean enabled, long nowNanos) {
    this.policy = policy;
    this.budget = new CopyBudget(budgetBytesPerSecond, budgetBytesPerSecond, nowNanos);
    this.enabled = enabled;
  }

  /** The kill switch: while it is off, nothing is copied. */
  public void setEnabled(boolean on) {
    enabled = on;
  }

  public boolean isEnabled() {
    return enabled;
  }

  /** One decision for each candidate, the best ratio of benefit to cost first. */
  public synchronized List<Decision> consider(List<Candidate> candidates, long nowNanos) {
    var priced = new ArrayList<Decision>(candidates.size());
    candidates.forEach(candidate -> priced.add(policy.decide(candidate)));
    priced.sort(BEST_FIRST);
    boolean spends = enabled;
    var decided = new ArrayList<Decision>(priced.size());
    for (Decision decision : priced) {
      Decision last = spends ? spend(decision, nowNanos) : switchedOff(decision);
      counts.merge(last.reason(), 1L, Long::sum);
      log.add(last);
      decided.add(last);
    }
    return decided;
  }

  private static Decision switchedOff(Decision decision) {
    return decision.copy() ? decision.refused(Decision.Reason.SWITCHED_OFF) : decision;
  }

  /** What does not fit is passed over, so that a large one does not shut out smaller ones. */
  private Decision spend(Decision decision, long nowNanos) {
    if (!decision.copy() || budget.take(policy.wireBytes(decision.candidate()), nowNanos)) {
      return decision;
    }
    return decision.refused(Decision.Reason.OVER_BUDGET);
  }

  /** The last decisions about a key, newest last; empty if there were none lately. */
  public synchronized List<Decision> explain(Key key) {
    return log.on(key);
  }

  public synchronized ArmStats stats() {
    return new ArmStats(
        counts.values().stream().mapToLong(Long::longValue).sum(),
        count(Decision.Reason.WORTH_IT),
        budget.grantedBytes(),
        count(Decision.Reason.IMPROBABLE),
        count(Decision.Reason.TOO_COSTLY),
        count(Decision.Reason.OVER_BUDGET),
        budget.refusedBytes(),
        count(Decision.Reason.SWITCHED_OFF),
        log.forgotten());
  }

  private long count(Decision.Reason reason) {
    return counts.getOrDefault(reason, 0L);
  }
}
