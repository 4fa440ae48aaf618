package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;

/**
 * For how long copies stay that this region need not hold: what was sent, what was fetched, and
 * what was written here. Decides only. Thread-safe, and waits for nobody who decides otherwise; the
 * caller owns the clock.
 */
final class CopiesHere {
  static final long BYTES = CopyKeeper.bytes(CopyKeeper.SLOTS);

  // Guarded by this.
  private final CopyKeeper keeper = new CopyKeeper(CopyKeeper.SLOTS, taken -> {});

  /**
   * Another region made a version.
   *
   * @return for how long to keep its payload if that came along, in ms; 0 for not at all
   */
  synchronized double changed(Key key, CopyTerms terms, KeepingPolicy policy, long nowMs) {
    int slot = keeper.slot(key.path(), nowMs);
    Keeping keeping = keeper.changed(slot, terms, policy, nowMs);
    boolean pays = keeping.worth() > CopyKeeper.MARGIN * policy.sending(terms);
    keeper.decided(slot, terms, policy, keeping, pays, 1, nowMs);
    return keeper.forMs(keeping, terms, policy);
  }

  /** The same for one that this region made. */
  synchronized double changedHere(Key key, CopyTerms terms, KeepingPolicy policy, long nowMs) {
    int slot = keeper.slot(key.path(), nowMs);
    return keeper.forMs(keeper.changedHere(slot, terms, policy, 1, nowMs), terms, policy);
  }

  /** For how long to keep what came by itself, of a version that is known. */
  synchronized double arrived(Key key, CopyTerms terms, KeepingPolicy policy, long nowMs) {
    return keeper.forMs(
        keeper.asItIs(keeper.slot(key.path(), nowMs), terms, policy), terms, policy);
  }

  synchronized CopyRead read(
      Key key, CopyTerms terms, KeepingPolicy policy, boolean cached, long nowMs) {
    int slot = keeper.slot(key.path(), nowMs);
    boolean first = keeper.isUnread(slot);
    boolean told = first && ToldReads.standsFor(key.path(), terms.payloadBytes()) > 0;
    double forMs = keeper.forMs(keeper.read(slot, terms, policy, cached, 1, nowMs), terms, policy);
    return new CopyRead(forMs, first, told);
  }
}
