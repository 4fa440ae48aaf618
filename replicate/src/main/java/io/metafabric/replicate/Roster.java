package io.metafabric.replicate;

import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What follows when regions are evicted and taken in again, and what members tell each other of it.
 * Owns what is inherited of those that are gone, and this region's own way back.
 *
 * <p>Belongs to the loop, but for {@link #isSettled} and the listener.
 */
final class Roster {
  private static final Duration CHECK_EVERY = Duration.ofSeconds(1);

  private final ReplicationConfig config;
  private final HomeLookup homes;
  private final RecordStore store;
  private final Membership membership;
  private final Peers peers;
  private final OpenSessions sessions;
  private final StableFloor floor;
  private final ClockAgreement clocks;
  private final MemberClocks memberClocks;
  private final Repairs repairs;
  private final MissingPayloads missing;
  private final SerialExecutor loop;
  private final Inheritance inheritance;
  private final Refilling refilling;
  private volatile MembershipListener listener = MembershipListener.NONE;

  Roster(
      ReplicationConfig config,
      HomeLookup homes,
      RecordStore store,
      Membership membership,
      Peers peers,
      OpenSessions sessions,
      StableFloor floor,
      ClockAgreement clocks,
      MemberClocks memberClocks,
      Repairs repairs,
      MissingPayloads missing,
      SerialExecutor loop,
      SerialExecutor background,
      Clock clock) {
    this.config = config;
    this.homes = homes;
    this.store = store;
    this.membership = membership;
    this.peers = peers;
    this.sessions = sessions;
    this.floor = floor;
    this.clocks = clocks;
    this.memberClocks = memberClocks;
    this.repairs = repairs;
    this.missing = missing;
    this.loop = loop;
    this.inheritance =
        new Inheritance(
            config.region(),
            config.peers().keySet(),
            store,
            membership,
            clock,
            loop,
            repairs::compare,
            peer -> peers.link(peer).isEstablished(),
            peer -> peers.pair(peer).hasEverything());
    this.refilling =
        new Refilling(
            config.peers().keySet(),
            store,
            membership,
            repairs,
            inheritance,
            loop,
            background,
            clock,
            () -> listener.mustReopen(),
            why -> peers.pairs().values().forEach(pair -> pair.cannotTake(why)),
            what -> listener.lost(what));
  }

  /** To be called before {@link #begin}. */
  void tell(MembershipListener whom) {
    listener = whom;
  }

  void begin() {
    Configuration now = membership.configuration();
    listener.reconfigured(now);
    now.evicted().stream()
        .filter(peers.links()::containsKey)
        .forEach(peer -> evicted(peer, peer + " was evicted: " + now));
    refilling.start();
    check();
  }

  private void check() {
    try {
      inheritance.check();
      refilling.check();
    } finally {
      loop.schedule(CHECK_EVERY, this::check);
    }
  }

  /** What was evicted is waited for no more, what was taken in again is. */
  void reconfigured(Configuration before, Configuration now) {
    listener.reconfigured(now);
    for (RegionName peer : config.peers().keySet()) {
      if (!now.isMember(peer)) {
        evicted(peer, peer + " was evicted: " + now);
      } else if (now.since(peer) > before.since(peer)) {
        readmitted(peer, peer + " was readmitted: " + now);
      }
    }
    inheritance.changed(now);
    refilling.reconfigured();
    peers.links().values().forEach(Outbound::tellConfiguration);
    missing.start();
  }

  private void evicted(RegionName peer, String why) {
    peers.link(peer).evict(why);
    sessions.close(peer, why);
    floor.exclude(peer);
    clocks.exclude(peer);
    memberClocks.exclude(peer);
    repairs.exclude(peer);
  }

  private void readmitted(RegionName peer, String why) {
    // Its eviction may have come along with this.
    evicted(peer, why);
    floor.include(peer);
    clocks.include(peer);
    memberClocks.include(peer);
    repairs.include(peer);
    peers.link(peer).readmit(why);
  }

  /** As {@link Inheritance#isSettled}. */
  boolean isSettled() {
    return inheritance.isSettled();
  }

  /** What this node holds for the cluster. */
  Frame.Belonging belonging() {
    return new Frame.Belonging(
        homes.fixedHomes(), membership.configuration(), store.configured().admitted());
  }

  /** What a peer is told of the configuration that this node holds. */
  Frame.Configured configured() {
    Configuration now = membership.configuration();
    if (membership.mustRefill()) {
      // What is here is about to be given up: nobody may give up theirs because of it.
      return new Frame.Configured(now, new TreeMap<>());
    }
    // A region that comes back gives up what it has of this: power must not take it here as well.
    VersionVector durable = store.durablyApplied();
    var applied = new TreeMap<RegionName, VersionVector>();
    for (RegionName region : config.regions()) {
      // Of its own it has all: whoever exports what nobody has would take them for lost.
      applied.put(region, store.completeOf(region).meet(durable));
    }
    return new Frame.Configured(now, applied);
  }

  /** What peers are told unasked; null while no region ever was evicted. */
  Frame.@Nullable Configured configuredIfChanged() {
    if (!membership.configuration().changed().isEmpty()) {
      return configured();
    }
    // What was lost here and given back is sent to nobody; who lacks it has to be told.
    VersionVector regained = store.appliedOf(config.region()).meet(store.durablyApplied());
    return regained.isEmpty()
        ? null
        : new Frame.Configured(
            membership.configuration(), new TreeMap<>(Map.of(config.region(), regained)));
  }

  /** What a peer tells of its own. */
  void told(RegionName peer, Frame.Configured configured) {
    membership
        .adopt(configured.configuration())
        .thenAccept(
            held -> {
              inheritance.told(peer, configured);
              if (held && configured.configuration().isMember(peer)) {
                refilling.told(peer, configured.applied());
              }
            });
  }
}
