package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.Collection;
import java.util.TreeMap;

/**
 * What every member has applied: the minimum over all of them, offline ones included. What is under
 * it can come from nowhere any more but as a duplicate, and nothing can come any more that was
 * written without having seen it. Thread-safe.
 *
 * <p>What a region says counts once all of it has been applied here too. A write that it made
 * before it saw a deletion is in what it says, so this node has that write before it forgets the
 * deletion; else the write would come later, be concurrent with something that nobody here knows
 * any more, and live in one region what is hidden in another.
 */
final class StableFloor {
  /** Of one peer. */
  static final int VECTORS = 3;

  private final TreeMap<RegionName, Told> told = new TreeMap<>();

  private static final class Told {
    VersionVector last = VersionVector.EMPTY;
    VersionVector next = VersionVector.EMPTY;
    VersionVector counts = VersionVector.EMPTY;

    void advance(VersionVector here) {
      if (here.covers(next)) {
        // The last may grow faster than this node can follow, which needs one that stands still.
        counts = here.covers(last) ? last : next;
        next = last;
      }
    }
  }

  StableFloor(Collection<RegionName> peers) {
    peers.forEach(peer -> told.put(peer, new Told()));
  }

  /** Nobody waits for the region any more. */
  synchronized void exclude(RegionName peer) {
    told.remove(peer);
  }

  /** Everybody does, whatever was heard of it before. */
  synchronized void include(RegionName peer) {
    told.put(peer, new Told());
  }

  /**
   * A peer said how far it is; what it says first on a connection may be less than it was once.
   *
   * @return false if all that it has said names more than {@link Provenance#MAX_TOLD_ACTORS}: then
   *     it was not taken
   */
  synchronized boolean heard(RegionName peer, Frame.Progress progress) {
    Told known = told.get(peer);
    if (known == null) {
      return true;
    }
    VersionVector all =
        progress.whole() ? progress.applied() : known.last.merge(progress.applied());
    if (all.size() > Provenance.MAX_TOLD_ACTORS) {
      return false;
    }
    known.last = all;
    if (progress.whole()) {
      known.next = all;
      known.counts = known.counts.meet(all);
    }
    return true;
  }

  /** Heap that what peers have said takes, by estimate. */
  synchronized long estimatedBytes() {
    long entries = 0;
    for (Told each : told.values()) {
      entries += (long) each.last.size() + each.next.size() + each.counts.size();
    }
    return entries * VersionVector.ENTRY_BYTES;
  }

  /**
   * @param here what this node has durably applied
   */
  synchronized VersionVector stable(VersionVector here) {
    VersionVector floor = here;
    for (Told each : told.values()) {
      each.advance(here);
      floor = floor.meet(each.counts);
    }
    return floor;
  }
}
