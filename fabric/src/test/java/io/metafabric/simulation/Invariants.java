package io.metafabric.simulation;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.store.LastWriterWins;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.migrate.MovedHomes;
import io.metafabric.node.MemoryUse;
import io.metafabric.node.NodeStats;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStats;
import io.metafabric.replicate.arm.ArmStats;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What holds at any moment, and what must come true when all is quiet. */
final class Invariants {
  /** A bound is crossed by what crosses it: a value, a frame, a slab. */
  private static final long ONE_MORE_BYTES = 256 << 10;

  private final Simulation run;
  private final HomeEpochs homes;

  Invariants(Simulation run) {
    this.run = run;
    this.homes = new HomeEpochs(run);
  }

  void checkNow() {
    for (Site site : run.sites()) {
      if (site.isUp()) {
        NodeStats stats = site.node().stats();
        checkMemory(site, stats);
        checkPrefetch(site, stats);
        if (stats.store().dotCollisions() > 0) {
          run.violation(site + " has met one dot with two payloads", null);
        }
      }
    }
    run.keys().forEach(homes::check);
  }

  private void checkMemory(Site site, NodeStats stats) {
    for (MemoryUse use : stats.memory()) {
      if (use.bytes() > use.maxBytes() + ONE_MORE_BYTES) {
        run.violation(site + " holds too much: " + use, null);
      }
    }
  }

  /** A second's worth may go at once. */
  private void checkPrefetch(Site site, NodeStats stats) {
    double seconds = (run.world().nanoTime() - site.startedNanos()) / 1e9;
    long budget = run.setting().prefetchBytesPerSecond();
    long spent = stats.prefetch().arm().copiedBytes();
    if (spent > budget * (seconds + 1)) {
      run.violation(site + " prefetched " + spent + " bytes in " + seconds + " s", null);
    }
    ArmStats arm = stats.prefetch().arm();
    if (arm.unreadBytes() < 0 || arm.unreadBytes() > arm.budget().storedBytes()) {
      run.violation(site + " has " + arm.unreadBytes() + " bytes of unread copies", null);
    }
    if (arm.storedBytes() < 0 || arm.storedBytes() > arm.budget().storedBytes()) {
      run.violation(site + " has " + arm.storedBytes() + " bytes of copies", null);
    }
  }

  /** A region has been opened. */
  void opened() {
    homes.opened();
  }

  /** What has not come true yet; null if nothing is missing. */
  @Nullable String missingAtTheEnd(boolean siblingsMayDiffer) {
    for (Site site : run.sites()) {
      if (!site.isUp()) {
        return site + " is not up";
      }
    }
    for (Site site : run.members()) {
      boolean current = site.configuration().equals(run.operator().newest());
      if (!current || !site.isWaitedFor()) {
        return site + " does not take part yet: " + site.configuration();
      }
    }
    VersionVector floor = appliedByAll();
    for (Key key : run.keys()) {
      Header agreed = null;
      for (Site site : run.members()) {
        Header here = site.node().store().header(key);
        if (agreed == null) {
          agreed = here;
        } else if (here != null && !isSame(agreed, here, floor)) {
          return key + " is " + here + " in " + site + ", but was " + agreed;
        }
        boolean lacksPayload =
            here != null
                && here.isVisibleAt(site.machine().clock().wallMs())
                && site.node().homesOf(key).include(site.region())
                && !site.node().store().holdsPayload(key)
                && !isPayloadLost(key, here)
                && !run.isPayloadWithEvicted(key, here);
        if (lacksPayload) {
          return site + " lacks the payload of " + key + " " + here;
        }
      }
      if (agreed != null && !isKnownOrForgotten(key, agreed)) {
        return key + " is " + agreed + ", but not in all regions; " + notApplied(agreed);
      }
    }
    String missing = Concurrent.missingAtTheEnd(run, siblingsMayDiffer);
    if (missing != null) {
      return missing;
    }
    String disputed = disputedHome();
    if (disputed != null) {
      return disputed;
    }
    for (Site site : run.members()) {
      for (PeerStats peer : site.node().stats().replication().peers()) {
        boolean isOut = !site.node().configuration().isMember(peer.region());
        PeerState expected = isOut ? PeerState.EVICTED : PeerState.IN_SYNC;
        if (peer.state() != expected || peer.pendingChanges() != 0) {
          return site + " is not in sync: " + peer;
        }
      }
    }
    return null;
  }

  private @Nullable String disputedHome() {
    for (Key key : run.allKeys()) {
      MovedHomes.Moved agreed = run.members().get(0).node().movedHome(key);
      for (Site site : run.members()) {
        MovedHomes.Moved here = site.node().movedHome(key);
        if (!here.equals(agreed)) {
          return key + " has " + here + " in " + site + ", but " + agreed;
        }
      }
    }
    return null;
  }

  /** It went with the last disk that had it. */
  private boolean isPayloadLost(Key key, Header header) {
    return run.ledger().payloadMayBeLost(key, header.version().dot())
        && run.sites().stream().noneMatch(site -> site.hasPayload(key, header));
  }

  /** What keeps it from being forgotten everywhere. */
  private String notApplied(Header header) {
    VersionVector changes = header.version().asContext();
    var text = new StringBuilder("not applied are");
    for (Site site : run.members()) {
      VersionVector applied = site.node().store().durablyApplied();
      text.append(' ').append(changes.beyond(applied)).append(" in ").append(site);
    }
    return text.toString();
  }

  private VersionVector appliedByAll() {
    VersionVector all = run.members().get(0).node().store().durablyApplied();
    for (Site site : run.members()) {
      all = all.meet(site.node().store().durablyApplied());
    }
    return all;
  }

  /**
   * A key that was forgotten in one region and written anew has no context of the time before; what
   * all regions have applied of that, nobody can ask for.
   */
  private boolean isSame(Header one, Header other, VersionVector floor) {
    return one.equals(other)
        || (Losers.mayBeForgotten(run.setting())
            ? Losers.withoutContext(one).equals(Losers.withoutContext(other))
            : beyond(floor, one).equals(beyond(floor, other)));
  }

  private static Header beyond(VersionVector floor, Header header) {
    Version version = header.version();
    return header.withVersion(version.withContext(version.context().beyond(floor)));
  }

  /** What is dead is forgotten by one region after the other. */
  private boolean isKnownOrForgotten(Key key, Header agreed) {
    boolean forgotten = Ledger.isMortal(agreed) && (run.isEverywhere(agreed) || isKept(agreed));
    return run.members().stream()
        .allMatch(site -> forgotten || site.node().store().header(key) != null);
  }

  /**
   * Whether it had seen what no region has applied any more: the disks that had are gone, or lost
   * what was not synced; a session's write may have seen much. Who has it keeps it then, and
   * whoever had forgotten what it was before has not got it.
   */
  private boolean isKept(Header dead) {
    VersionVector applied = VersionVector.EMPTY;
    for (Site site : run.members()) {
      applied = applied.merge(site.node().store().durablyApplied());
    }
    return run.hasLost()
        && applied.contains(dead.version().dot())
        && !dead.version().context().beyond(applied).isEmpty();
  }

  void checkAtTheEnd() {
    for (Key key : run.keys()) {
      run.sites().forEach(site -> site.observe(key));
    }
    run.sites().forEach(Site::noteExports);
    for (Write write : run.ledger().writes()) {
      boolean isAlone = !run.setting().concurrentKeys().contains(write.key);
      if (write.fate == Write.Fate.ACKNOWLEDGED && isAlone && !run.ledger().isExported(write)) {
        checkNotLost(write);
      }
    }
    Concurrent.checkAtTheEnd(run);
    checkPayloads();
  }

  private void checkNotLost(Write write) {
    for (Site site : run.sites()) {
      Header known = site.node().store().header(write.key);
      boolean settled = known != null && isSettledBy(known, write);
      if (!settled && !run.mayBeForgotten(write.key, Objects.requireNonNull(write.header))) {
        run.violation(write + " is lost in " + site + "; its key is " + known, null);
      }
    }
  }

  /** What is known had seen the write, or is it. */
  private boolean isSettledBy(Header known, Write write) {
    Header written = Objects.requireNonNull(write.header);
    boolean won = LastWriterWins.join(known, written).version().dot().equals(known.version().dot());
    return run.ledger().covers(write.key, known, written)
        || (won && Losers.mayBeForgotten(run.setting()));
  }

  private void checkPayloads() {
    for (Key key : run.keys()) {
      for (Site site : run.sites()) {
        var record = site.node().store().read(key);
        if (record != null && record.payload() != null) {
          Write write = run.ledger().writeOf(record);
          if (write == null || write.fate == Write.Fate.REFUSED) {
            run.violation(site + " holds what nobody wrote: " + record + ", " + write, null);
          }
        }
      }
    }
  }
}
