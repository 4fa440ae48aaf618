package io.metafabric.node;

import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.error.NotReplicatedException.Missing;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.replicate.Replicator;
import java.util.ArrayList;
import java.util.List;
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
    if (store.isOwn(actor)) {
      return store.region();
    }
    if (store.completeOf(store.region()).counter(actor) > 0) {
      return store.region();
    }
    for (RegionName peer : replicator.peers()) {
      if (store.completeOf(peer).counter(actor) > 0) {
        return peer;
      }
    }
    return null;
  }

  /**
   * @param there what the region has applied
   */
  NotReplicatedException in(
      RegionName region, VersionVector lacking, VersionVector there, String waited) {
    List<Missing> missing = new ArrayList<>();
    lacking.forEach(
        (actor, counter) -> {
          RegionName by = regionOf(actor);
          missing.add(
              new Missing(
                  by == null ? "" : by.name(),
                  actor.toString(),
                  counter,
                  there.counter(actor),
                  by == null ? -1 : replicator.freshness().issued(by, actor)));
        });
    return new NotReplicatedException(
        "region "
            + region
            + " has not got within "
            + waited
            + " what the session depends on"
            + (missing.isEmpty()
                ? ", which it names no more as all members have it"
                : ": " + missing)
            + why(region)
            + "; try again when the links are back, or begin another session if it is lost",
        region.name(),
        missing);
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
