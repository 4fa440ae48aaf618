package io.metafabric.replicate;

import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;

/**
 * What this region may say that it knows, and of which keys it may say that nobody wrote them.
 * Keeps nothing itself; any thread.
 */
final class Knowledge {
  private final RegionName here;
  private final HomeLookup homes;
  private final RecordStore store;
  private final Repairs repairs;
  private final Membership membership;
  private final Roster roster;
  private final Peers peers;

  Knowledge(
      RegionName here,
      HomeLookup homes,
      RecordStore store,
      Repairs repairs,
      Membership membership,
      Roster roster,
      Peers peers) {
    this.here = here;
    this.homes = homes;
    this.store = store;
    this.repairs = repairs;
    this.membership = membership;
    this.roster = roster;
    this.peers = peers;
  }

  /** As {@link Replicator#knowsAllHeaders}. */
  boolean knowsAllHeaders() {
    if (!knowsItsOwn()) {
      return false;
    }
    for (RegionPair peer : peers.pairs().values()) {
      if (membership.isMember(peer.region()) && !peer.hasEverything()) {
        return false;
      }
    }
    return true;
  }

  /** As {@link Replicator#knowsItsOwn}. */
  boolean knowsItsOwn() {
    return repairs.hasOwnWrites() && membership.isAdmitted() && store.configured().filled();
  }

  /** As {@link Replicator#knowsItsOwnForSure}. */
  boolean knowsItsOwnForSure() {
    return knowsItsOwn() && repairs.wasWelcomedByAll();
  }

  /**
   * Whether this region may say of a key that nobody wrote it. The home may. The backup may if
   * nothing but what was of late was missing here when the home was heard last, and nothing but
   * that is missing of the others now: any of them may have written the key, and the home may have
   * known. A backup that has not heard of the home since it was opened cannot know what it missed.
   * Nobody may who lacks writes of its own region.
   */
  boolean answersFor(Key key) {
    Homes homesOf = homes.homesOf(key);
    if (!knowsItsOwn()) {
      return false;
    }
    if (here.equals(homesOf.home())) {
      return roster.isSettled() || !homes.isSubstituted(key);
    }
    if (!here.equals(homesOf.backup())) {
      return false;
    }
    if (homes.isSubstituted(key) && !roster.isSettled()) {
      return false;
    }
    for (var pair : peers.pairs().entrySet()) {
      if (!membership.isMember(pair.getKey())) {
        continue;
      }
      boolean isHome = pair.getKey().equals(homesOf.home());
      if (!(isHome ? pair.getValue().hadEverything() : pair.getValue().isUpToDate())) {
        return false;
      }
    }
    return true;
  }
}
