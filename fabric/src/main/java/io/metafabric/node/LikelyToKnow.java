package io.metafabric.node;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import io.metafabric.replicate.Replicator;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which regions may know enough of a key for a session: home, backup, and those that wrote what is
 * missing here. Of what a session names no more than {@value #AT_A_TIME} writes are looked at in
 * one go, in turn: a token may name very many. Belongs to the loop.
 */
final class LikelyToKnow {
  private static final int AT_A_TIME = 64;

  private final RecordStore store;
  private final Replicator replicator;
  private final WhatIsMissing missing;
  private final VersionVector upTo;
  private final VersionVector all;
  private final Map<RegionName, AwaitedWrites> regions = new LinkedHashMap<>();
  private int next;

  /**
   * @param upTo what such a region must have applied
   * @param all this, and what the session names beside it
   */
  LikelyToKnow(
      RecordStore store,
      Replicator replicator,
      WhatIsMissing missing,
      VersionVector upTo,
      VersionVector all) {
    this.store = store;
    this.replicator = replicator;
    this.missing = missing;
    this.upTo = upTo;
    this.all = all;
  }

  /** Looks who there is. */
  void look(Homes at) {
    add(at.home());
    add(at.backup());
    for (int met = 0; met < Math.min(AT_A_TIME, all.size()); met++) {
      if (store.completeUpTo(all.actor(next)) < all.counterAt(next)) {
        add(missing.regionOf(all.actor(next)));
      }
      next = (next + 1) % all.size();
    }
  }

  private void add(@Nullable RegionName region) {
    if (region != null && replicator.isPeer(region)) {
      regions.computeIfAbsent(region, none -> new AwaitedWrites(upTo));
    }
  }

  /** Those that were found, and are peers. */
  List<RegionName> regions() {
    var peers = new ArrayList<RegionName>(regions.keySet());
    peers.removeIf(region -> !replicator.isPeer(region));
    return peers;
  }

  /** Whether a region is known to have applied all that it must. */
  boolean hasAll(RegionName region) {
    AwaitedWrites awaited = regions.get(region);
    return awaited != null
        && awaited.haveCome(actor -> replicator.freshness().appliedBy(region, actor));
  }
}
