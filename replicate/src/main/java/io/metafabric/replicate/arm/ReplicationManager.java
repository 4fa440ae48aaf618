package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The adaptive replication manager (ARM): prices candidates, and spends a budget on the best.
 * Decides only; the copies are the caller's to make, who also tells what is read and written, and
 * what became of each copy. Thread-safe; the caller owns the clock.
 */
public final class ReplicationManager {
  private static final long MAX_LOG_BYTES = 1L << 20;
  private static final long MAX_RETAINED_BYTES =
      MAX_LOG_BYTES
          + CopyLedger.MAX_BYTES
          + UpdateManager.MAX_BYTES
          + CopiesHere.BYTES
          + 2L * EventRates.BYTES;

  private static final long NANOS_PER_MS = 1_000_000;

  /** Copies that are worth up to so many times what is asked for say something of the marginal. */
  static final double NEAR = 4;

  /** The key comes last so that the same candidates in another order are decided the same. */
  private static final Comparator<Decision> BEST_FIRST =
      Comparator.comparingDouble((Decision decision) -> decision.appraisal().ratio())
          .reversed()
          .thenComparing(decision -> decision.candidate().key());

  // Not under this one's lock: changes are published without waiting for decisions.
  private final EventRates reads;
  private final EventRates updates;
  private final CopiesHere copiesHere = new CopiesHere();

  private final CopyAccount account;
  private final PayThreshold threshold;
  private final CopyLedger ledger;
  private final ShadowAccounts shadows;
  private final UpdateManager copiesElsewhere = new UpdateManager();

  /** By the region that gave them. */
  private final Map<RegionName, CopyTotals> missing = new TreeMap<>();

  private final DecisionLog log = new DecisionLog(MAX_LOG_BYTES);
  private final Map<Decision.Reason, Long> counts = new EnumMap<>(Decision.Reason.class);
  private final long beganNanos;
  private CostBenefitPolicy policy;
  private volatile KeepingPolicy keeping;
  private long refusedBytes;
  private volatile boolean enabled;

  /** What others have spent is not known. */
  public ReplicationManager(
      CostBenefitPolicy policy,
      CopyBudget budget,
      boolean enabled,
      Predicate<Key> held,
      long nowNanos) {
    this(policy, budget, enabled, held, SpentNotes.NONE, nowNanos);
  }

  /**
   * @param held whether a key's payload is here; is asked under this one's lock
   * @param notes of what openings before this one have spent; written under this one's lock
   */
  public ReplicationManager(
      CostBenefitPolicy policy,
      CopyBudget budget,
      boolean enabled,
      Predicate<Key> held,
      SpentNotes notes,
      long nowNanos) {
    this.policy = policy;
    this.keeping = policy.keeping();
    this.beganNanos = nowNanos;
    this.account = new CopyAccount(budget, notes, nowNanos);
    this.threshold = new PayThreshold(NEAR, nowNanos);
    this.ledger = new CopyLedger(account, threshold, held);
    this.shadows = new ShadowAccounts(account);
    this.reads = new EventRates(nowNanos);
    this.updates = new EventRates(nowNanos);
    this.enabled = enabled;
  }

  /** The room that all copies of this region share. */
  public CopyRoom room() {
    return account.room();
  }

  /** The kill switch: while it is off, nothing is copied. */
  public void setEnabled(boolean on) {
    enabled = on;
  }

  public boolean isEnabled() {
    return enabled;
  }

  /** From the next decision on. */
  public synchronized void setPrices(Prices prices) {
    policy = policy.withPrices(prices);
    keeping = policy.keeping();
  }

  /** From the next decision on. */
  public synchronized void setBudget(CopyBudget budget, long nowNanos) {
    account.setBudget(budget, nowNanos);
  }

  /** A key was read here. */
  public void read(String path, long nowNanos) {
    reads.count(path, nowNanos);
  }

  private long ms(long nowNanos) {
    return Math.max(0, nowNanos - beganNanos) / NANOS_PER_MS;
  }

  /**
   * A key is read in another region, which says so.
   *
   * @param isShadow whether it has a shadow, of which it counts itself what that saves
   */
  public synchronized void readElsewhere(
      Key key, CopyTerms terms, boolean isShadow, long nowNanos) {
    copiesElsewhere.read(key, terms, keeping, false, isShadow, ms(nowNanos));
  }

  /**
   * A key is read in another region, which has fetched it here for that: no copy spared the wait.
   */
  public synchronized void fetchedElsewhere(Key key, CopyTerms terms, long nowNanos) {
    copiesElsewhere.read(key, terms, keeping, true, false, ms(nowNanos));
  }

  /** A key was written in another region, which need not hold it and has its payload. */
  public synchronized void wroteElsewhere(Key key, CopyTerms terms, long nowNanos) {
    copiesElsewhere.wrote(key, terms, keeping, ms(nowNanos));
  }

  /** A region has not taken a payload, or says that it has a copy no more. */
  public synchronized void dropped(Key key, RegionName by, long nowNanos) {
    copiesElsewhere.dropped(key, by, ms(nowNanos));
  }

  /** What a region is sent that need not hold it; asked again about the same write, the same. */
  public synchronized Update decide(CopyWrite write, long nowNanos) {
    Update before = copiesElsewhere.decidedOn(write, ms(nowNanos));
    if (before != null) {
      return before;
    }
    Decision priced = copiesElsewhere.price(write, keeping, ms(nowNanos));
    Decision last =
        priced.reason() == Decision.Reason.PUSHED ? paid(write, priced, nowNanos) : priced;
    if (write.holds() || priced.reason() == Decision.Reason.PUSHED) {
      // That regions are not sent what they never had is no news.
      log.add(last);
    }
    return copiesElsewhere.decided(write, last, ms(nowNanos));
  }

  /**
   * Another region made a version of a key that is not to be held here. Waits for no decision on
   * other copies, nor do those that follow.
   *
   * @return for how long to keep its payload if that came along, in ms; 0 for not at all
   */
  public double changedElsewhere(Key key, CopyTerms terms, long nowNanos) {
    return copiesHere.changed(key, terms, keeping, ms(nowNanos));
  }

  /** For how long to keep a payload that came behind its header, in ms. */
  public double arrived(Key key, CopyTerms terms, long nowNanos) {
    return copiesHere.arrived(key, terms, keeping, ms(nowNanos));
  }

  /** The same for one that was written here. */
  public double changedHere(Key key, CopyTerms terms, long nowNanos) {
    return copiesHere.changedHere(key, terms, keeping, ms(nowNanos));
  }

  /**
   * A key was read here that is not to be held here.
   *
   * @param cached whether a cache had it, so that nothing else was needed
   */
  public CopyRead readHere(Key key, CopyTerms terms, boolean cached, long nowNanos) {
    return copiesHere.read(key, terms, keeping, cached, ms(nowNanos));
  }

  /** The switch is for what nobody has asked for. */
  private Decision paid(CopyWrite write, Decision push, long nowNanos) {
    int bytes = push.candidate().payloadBytes();
    Appraisal appraisal = push.appraisal();
    Decision.Reason refusal =
        enabled || write.isPromised()
            ? account.pay(bytes, appraisal.price(), 0, nowNanos)
            : Decision.Reason.SWITCHED_OFF;
    return refusal == null ? push : push.refused(refusal);
  }

  /** A change of a key came from another region. Waits for no decision. */
  public void updated(String path, long nowNanos) {
    updates.count(path, nowNanos);
  }

  /** A copy was there when it was first read. */
  public synchronized void used(String path) {
    ledger.used(path, 0);
  }

  /** A copy was still on its way when it was first read, which waited for so long. */
  public synchronized void usedLate(String path, double waitedMs) {
    ledger.used(path, waitedMs);
  }

  /** A copy has left before anybody had read it. */
  public synchronized void wasted(String path, long nowNanos) {
    ledger.wasted(path, nowNanos);
  }

  /** A copy that was decided on has not come. */
  public synchronized void failed(String path) {
    ledger.failed(path);
  }

  /** How often a key was read here of late, by estimate. */
  public double readsPerSecond(String path, long nowNanos) {
    return reads.perSecond(path, nowNanos);
  }

  /**
   * Pays for a payload that has to come, whatever it is worth, with the budget's bytes a second;
   * false if they do not suffice now.
   */
  public synchronized boolean payBytes(long bytes, long nowNanos) {
    return account.payBytes(bytes, nowNanos);
  }

  /** What was paid for did not come. */
  public synchronized void giveBackBytes(long bytes) {
    account.giveBackBytes(bytes);
  }

  /**
   * A payload that had to come is here: its transfer counts with the day's dollars, of which others
   * have that much less, and is never refused.
   */
  public synchronized void broughtMissing(
      RegionName from, RegionName to, long bytes, long nowNanos) {
    double price = (double) bytes * policy.prices().transferred(from, to);
    account.owe(price, nowNanos);
    missing.merge(from, CopyTotals.NONE.made(bytes, price / 1e6), CopyTotals::plus);
  }

  /** Notes for the next opening what was spent; nothing is decided any more. */
  public synchronized void end(long nowNanos) {
    account.end(nowNanos);
  }

  /**
   * Pays for a shadow that is made here, or lives on, on a read or a prediction.
   *
   * @param isSent whether its payload is transferred for that
   * @param forMs for so long it is stored
   */
  public synchronized ShadowDecision makeShadow(
      CopyTerms terms, boolean isSent, double forMs, long nowNanos) {
    return shadows.make(policy.shadows(), terms, isSent, forMs, nowNanos);
  }

  /** Pays for a shadow that another region is sent, as somebody asked for it by name. */
  public synchronized ShadowDecision sendShadow(CopyTerms terms, double forMs, long nowNanos) {
    return shadows.send(policy.shadows(), terms, forMs, nowNanos);
  }

  /** Whether a shadow here has earned what it cost since it was looked at; to be asked once. */
  public synchronized ShadowDecision earnedByShadow(ShadowUse use) {
    return shadows.earned(policy.shadows(), use);
  }

  /** One decision for each candidate, the best ratio of benefit to cost first. */
  public synchronized List<Decision> consider(List<Candidate> candidates, long nowNanos) {
    ledger.tick(nowNanos);
    double leastRatio = threshold.ratio(nowNanos);
    var priced = new ArrayList<Decision>(candidates.size());
    for (Candidate candidate : candidates) {
      String path = candidate.key().path();
      priced.add(
          policy.decide(
              candidate,
              reads.perSecond(path, nowNanos),
              updates.perSecond(path, nowNanos),
              leastRatio));
    }
    priced.sort(BEST_FIRST);
    boolean spends = enabled;
    var decided = new ArrayList<Decision>(priced.size());
    for (Decision decision : priced) {
      Decision last = decision.copy() ? spend(decision, spends, nowNanos) : decision;
      counts.merge(last.reason(), 1L, Long::sum);
      log.add(last);
      decided.add(last);
    }
    return decided;
  }

  /** What does not fit is passed over, so that a large one does not shut out smaller ones. */
  private Decision spend(Decision decision, boolean spends, long nowNanos) {
    long wireBytes = policy.wireBytes(decision.candidate());
    Decision.Reason refusal = refusal(decision, spends, wireBytes, nowNanos);
    if (refusal == null) {
      ledger.made(decision, wireBytes, nowNanos);
      return decision;
    }
    if (refusal.isOverBudget()) {
      refusedBytes += wireBytes;
    }
    return decision.refused(refusal);
  }

  private Decision.@Nullable Reason refusal(
      Decision decision, boolean spends, long wireBytes, long nowNanos) {
    if (!spends) {
      return Decision.Reason.SWITCHED_OFF;
    }
    Key key = decision.candidate().key();
    if (!ledger.isSettled(key)) {
      return Decision.Reason.COPIED_LATELY;
    }
    return ledger.isFullFor(key)
        ? Decision.Reason.OVER_STORED_BYTES
        : account.pay(
            wireBytes, decision.appraisal().price(), decision.candidate().payloadBytes(), nowNanos);
  }

  /** The last decisions about a key, newest last; empty if there were none lately. */
  public synchronized List<Decision> explain(Key key) {
    return log.on(key);
  }

  public synchronized ArmStats stats(long nowNanos) {
    Map<RegionName, CopyTotals> totals = ledger.totals();
    return new ArmStats(
        counts.values().stream().mapToLong(Long::longValue).sum(),
        count(Decision.Reason.WORTH_IT),
        totals.values().stream().mapToLong(CopyTotals::bytes).sum(),
        count(Decision.Reason.IMPROBABLE),
        count(Decision.Reason.TOO_COSTLY),
        count(Decision.Reason.COPIED_LATELY),
        count(Decision.Reason.OVER_BYTES_PER_SECOND)
            + count(Decision.Reason.OVER_DOLLARS_PER_DAY)
            + count(Decision.Reason.OVER_STORED_BYTES),
        refusedBytes,
        count(Decision.Reason.SWITCHED_OFF),
        log.forgotten(),
        threshold.ratio(nowNanos),
        account.storedBytes(),
        account.room().bytes(),
        totals,
        shadows.totals(),
        copiesElsewhere.totals(),
        Map.copyOf(missing),
        account.spentDollars(nowNanos),
        policy.prices(),
        account.budget(),
        log.retainedBytes()
            + ledger.retainedBytes()
            + copiesElsewhere.retainedBytes()
            + CopiesHere.BYTES
            + 2L * EventRates.BYTES,
        MAX_RETAINED_BYTES);
  }

  private long count(Decision.Reason reason) {
    return counts.getOrDefault(reason, 0L);
  }
}
