package io.metafabric.node;

import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.error.NotReplicatedException.Missing;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.replicate.Replicator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Says whose writes a region lacks of what a session depends on. Thread-safe. */
final class WhatIsMissing {
  private final RecordStore store;
  private final Replicator replicator;

  WhatIsMissing(RecordStore store, Replicator replicator) {
    this.store = store;
    this.replicator = replicator;
  }

  /** Which region an actor is an opening of; null if nobody here has heard of it. */
  @Nullable RegionName regionOf(ActorId actor) {
    return store.regionOf(actor);
  }

  /**
   * @param all what the session depends on
   * @param there up to which counter the region has applied an actor's writes
   */
  NotReplicatedException in(
      RegionName region, VersionVector all, ToLongFunction<ActorId> there, Duration waited) {
    List<Missing> missing = new ArrayList<>();
    int more = 0;
    for (int i = 0; i < all.size(); i++) {
      ActorId actor = all.actor(i);
      long applied = there.applyAsLong(actor);
      if (applied >= all.counterAt(i)) {
        continue;
      }
      if (missing.size() == NotReplicatedException.MAX_MISSING) {
        more++;
        continue;
      }
      missing.add(missing(actor, all.counterAt(i), applied));
    }
    return new NotReplicatedException(
        "region "
            + region
            + " has not got within "
            + waited
            + " what the session depends on"
            + (missing.isEmpty()
                ? ", of which no write is named that it is known to lack"
                : ": " + missing)
            + (more > 0 ? " and " + more + " more openings" : "")
            + why(region)
            + "; try again when the links are back, or begin another session if it is lost",
        region.name(),
        missing);
  }

  private Missing missing(ActorId actor, long named, long applied) {
    RegionName by = regionOf(actor);
    return new Missing(
        by == null ? "" : by.name(),
        actor.toString(),
        named,
        applied,
        by == null ? -1 : replicator.freshness().issued(by, actor));
  }

  private String why(RegionName region) {
    if (!replicator.configuration().isMember(region)) {
      return "; region " + region + " was evicted";
    }
    if (!region.equals(store.region()) || replicator.knowsItsOwn()) {
      return "";
    }
    return replicator.isAdmitted()
        ? "; it is being filled with what it has lost, or has not heard from its peers whether it"
            + " has"
        : "; it was readmitted, and has not begun anew yet";
  }
}
