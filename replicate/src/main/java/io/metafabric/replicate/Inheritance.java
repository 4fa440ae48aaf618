package io.metafabric.replicate;

import io.metafabric.core.place.Configuration;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What one member has of changes that nobody sends any more and another has not: those of a region
 * that was evicted, above all, and for one that was emptied those of all openings of long ago. Each
 * tells the others how far it had got; who lacks something compares all headers with who has it,
 * and has applied as much from then on. Otherwise nothing that had seen them was ever forgotten
 * again.
 *
 * <p>Belongs to the loop, but for what says so.
 */
final class Inheritance {
  private static final long SETTLED_NANOS = 2_000_000_000L;
  private static final long FIRST_RETRY_NANOS = 2_000_000_000L;
  private static final int MAX_RETRY_DOUBLINGS = 5;

  private record Told(Frame.Configured frame, long atNanos) {}

  /** Of a peer with which the last comparisons failed. */
  private record Failed(int times, long atNanos) {
    boolean isOver(long nowNanos) {
      return nowNanos - atNanos >= FIRST_RETRY_NANOS << Math.min(times - 1, MAX_RETRY_DOUBLINGS);
    }
  }

  private final RegionName region;
  private final Collection<RegionName> peers;
  private final RecordStore store;
  private final Membership membership;
  private final Clock clock;
  private final SerialExecutor loop;
  private final Function<RegionName, CompletableFuture<Comparison>> compare;
  private final Predicate<RegionName> canBeAsked;
  private final Predicate<RegionName> hasEverythingOf;
  private final Map<RegionName, Told> told = new TreeMap<>();
  private final Map<RegionName, Failed> failed = new TreeMap<>();
  private boolean comparing;
  private volatile boolean settled;

  /**
   * @param compare with a peer, all headers
   * @param canBeAsked whether there is a connection to a peer
   * @param hasEverythingOf whether a peer says that all that it has written is here
   */
  Inheritance(
      RegionName region,
      Collection<RegionName> peers,
      RecordStore store,
      Membership membership,
      Clock clock,
      SerialExecutor loop,
      Function<RegionName, CompletableFuture<Comparison>> compare,
      Predicate<RegionName> canBeAsked,
      Predicate<RegionName> hasEverythingOf) {
    this.region = region;
    this.peers = peers;
    this.store = store;
    this.membership = membership;
    this.clock = clock;
    this.loop = loop;
    this.compare = compare;
    this.canBeAsked = canBeAsked;
    this.hasEverythingOf = hasEverythingOf;
    this.settled = membership.configuration().evicted().isEmpty();
  }

  void told(RegionName peer, Frame.Configured frame) {
    told.put(peer, new Told(frame, clock.nanoTime()));
    check();
  }

  void changed(Configuration now) {
    settled = now.evicted().isEmpty();
    check();
  }

  /**
   * Any thread: whether all that any member had of evicted regions' changes is here. Whoever stands
   * in for an evicted home cannot say before that a key was never written.
   */
  boolean isSettled() {
    return settled;
  }

  /** Whether all that any member had, when it said so, of any region's changes is here. */
  boolean isComplete() {
    Configuration now = membership.configuration();
    for (RegionName peer : peers) {
      if (now.isMember(peer)) {
        Told by = told.get(peer);
        if (by == null
            || !by.frame.configuration().equals(now)
            || by.frame.applied().entrySet().stream()
                .anyMatch(
                    each -> isOther(each.getKey()) && lacks(each.getKey(), each.getValue()))) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean isOther(RegionName of) {
    return !of.equals(region);
  }

  /** To be called now and then. */
  void check() {
    settled = judge();
    if (comparing) {
      return;
    }
    for (var each : told.entrySet()) {
      RegionName peer = each.getKey();
      for (var applied : each.getValue().frame.applied().entrySet()) {
        boolean lacks =
            isOther(applied.getKey())
                && membership.isMember(peer)
                && canBeAsked.test(peer)
                && mayBeTried(peer)
                && lacks(applied.getKey(), applied.getValue())
                && isClosed(applied.getKey(), each.getValue());
        if (lacks) {
          inherit(peer, applied.getKey(), applied.getValue());
          return;
        }
      }
    }
  }

  private boolean lacks(RegionName of, VersionVector there) {
    return !there.beyond(store.appliedOf(of)).isEmpty();
  }

  /**
   * A region that was taken in again has new actors, and sends what is theirs. What it does not
   * send, although it says that it has nothing more to send, it wrote before it was evicted. Who is
   * filled takes all that it can get by comparisons, and waits for nobody's stream.
   */
  private boolean isClosed(RegionName of, Told by) {
    return !membership.isMember(of)
        || !store.configured().filled()
        || (clock.nanoTime() - by.atNanos > SETTLED_NANOS && hasEverythingOf.test(of));
  }

  private void inherit(RegionName from, RegionName of, VersionVector there) {
    comparing = true;
    compare
        .apply(from)
        .thenCompose(compared -> store.inherited(of, there))
        .whenComplete((done, failure) -> loop.execute(() -> ended(from, failure != null)));
  }

  private void ended(RegionName peer, boolean hasFailed) {
    comparing = false;
    if (hasFailed) {
      Failed before = failed.get(peer);
      failed.put(peer, new Failed(before == null ? 1 : before.times + 1, clock.nanoTime()));
    } else {
      failed.remove(peer);
    }
  }

  private boolean mayBeTried(RegionName peer) {
    Failed last = failed.get(peer);
    return last == null || last.isOver(clock.nanoTime());
  }

  private boolean judge() {
    Configuration now = membership.configuration();
    for (RegionName gone : now.evicted()) {
      for (RegionName peer : peers) {
        if (now.isMember(peer) && !hasAllOf(peer, gone, now)) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean hasAllOf(RegionName peer, RegionName gone, Configuration now) {
    Told by = told.get(peer);
    return by != null
        && by.frame.configuration().equals(now)
        && !lacks(gone, by.frame.applied().getOrDefault(gone, VersionVector.EMPTY));
  }
}
