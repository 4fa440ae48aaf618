package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The adaptive replication manager (ARM): prices candidates, and spends a budget on the best.
 * Thread-safe.
 */
public final class ReplicationManager {
  private static final int MAX_LOGGED_KEYS = 10_000;
  private static final int MAX_LOGGED_PER_KEY = 4;

  private final CostBenefitPolicy policy;
  private final CopyBudget budget;
  private final Map<Decision.Reason, Long> counts = new EnumMap<>(Decision.Reason.class);
  private final Map<Key, Deque<Decision>> log =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Deque<Decision>> eldest) {
          return size() > MAX_LOGGED_KEYS;
        }
      };
  private boolean enabled;
  private long copiedBytes;

  public ReplicationManager(
      CostBenefitPolicy policy, long budgetBytesPerSecond, boolean enabled, long nowNanos) {
    this.policy = policy;
    this.budget = new CopyBudget(budgetBytesPerSecond, nowNanos);
    this.enabled = enabled;
  }

  /** The kill switch: while it is off, nothing is copied. */
  public synchronized void setEnabled(boolean on) {
    enabled = on;
  }

  public synchronized boolean isEnabled() {
    return enabled;
  }

  /** One decision for each candidate, the best ratio of benefit to cost first. */
  public synchronized List<Decision> consider(List<Candidate> candidates, long nowNanos) {
    var priced = new ArrayList<Decision>(candidates.size());
    candidates.forEach(candidate -> priced.add(policy.decide(candidate)));
    priced.sort(Comparator.comparingDouble(Decision::ratio).reversed());
    var decided = new ArrayList<Decision>(priced.size());
    for (Decision decision : priced) {
      Decision last = spend(decision, nowNanos);
      counts.merge(last.reason(), 1L, Long::sum);
      remember(last);
      decided.add(last);
    }
    return decided;
  }

  private Decision spend(Decision decision, long nowNanos) {
    if (!decision.copy()) {
      return decision;
    }
    if (!enabled) {
      return decision.refused(Decision.Reason.SWITCHED_OFF);
    }
    int bytes = decision.candidate().payloadBytes() + policy.overheadBytes();
    if (!budget.take(bytes, nowNanos)) {
      return decision.refused(Decision.Reason.OVER_BUDGET);
    }
    copiedBytes += decision.candidate().payloadBytes();
    return decision;
  }

  private void remember(Decision decision) {
    Key key = decision.candidate().prediction().key();
    Deque<Decision> last = log.computeIfAbsent(key, k -> new ArrayDeque<>());
    last.add(decision);
    if (last.size() > MAX_LOGGED_PER_KEY) {
      last.remove();
    }
  }

  /** The last decisions about a key, newest last; empty if there were none lately. */
  public synchronized List<Decision> explain(Key key) {
    Deque<Decision> decisions = log.get(key);
    return decisions == null ? List.of() : List.copyOf(decisions);
  }

  public synchronized ArmStats stats() {
    return new ArmStats(
        counts.values().stream().mapToLong(Long::longValue).sum(),
        of(Decision.Reason.WORTH_IT),
        copiedBytes,
        of(Decision.Reason.IMPROBABLE),
        of(Decision.Reason.TOO_COSTLY),
        of(Decision.Reason.OVER_BUDGET));
  }

  private long of(Decision.Reason reason) {
    return counts.getOrDefault(reason, 0L);
  }
}
