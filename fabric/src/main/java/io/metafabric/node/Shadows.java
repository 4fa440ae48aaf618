package io.metafabric.node;

import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Later;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.Rebuilding;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.ShadowWork;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.shadow.ShadowPromise;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.shadow.ShadowShelf;
import io.metafabric.replicate.shadow.ShadowStats;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The shadows of this region, and of those keys whose home it is: who has one, who may, and who is
 * to. What callers and other regions ask for goes on from here: to {@link HeldShadows} for those of
 * this region, to {@link ShadowLeaves} and {@link ShadowMaker} for those of its keys, and to {@link
 * LostShadows} for what went with a region.
 *
 * <p>Belongs to the loop, but for what says otherwise.
 */
final class Shadows implements ShadowWork {
  private final SerialExecutor loop;
  private final Clock clock;
  private final ShadowLog log;
  private final ShadowTalk talk;
  private final HeldShadows held;
  private final ShadowLeaves leaves;
  private final ShadowMaker maker;
  private final LostShadows lost;
  private final ShadowWatch watch;

  /**
   * @param reader completes with the record, payload included, from wherever it is; with null if
   *     nobody has it
   */
  Shadows(
      RegionName region,
      RecordStore store,
      Replicator replicator,
      SerialExecutor loop,
      Clock clock,
      ShadowShelf shelf,
      ShadowLog log,
      Rebuilding rebuilding,
      ReplicationManager arm,
      HomeLookup homes,
      LocalTiers tiers,
      Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader) {
    this.loop = loop;
    this.clock = clock;
    this.log = log;
    this.talk = new ShadowTalk(region, store, replicator, homes, clock);
    var payments = new ShadowPayments(region, arm, replicator, loop, clock);
    this.held =
        new HeldShadows(
            talk, payments, store, tiers, replicator, loop, clock, shelf, log, this::becameHolder);
    this.leaves = new ShadowLeaves(talk, replicator, clock);
    this.maker = new ShadowMaker(talk, payments, leaves, held, replicator, loop, log, reader);
    this.lost = new LostShadows(talk, leaves, maker, replicator, loop, clock, rebuilding);
    this.watch = new ShadowWatch(talk, leaves, lost, replicator, clock);
  }

  /**
   * Has so many regions hold the payload of a key. Any thread.
   *
   * @return what became of it in each region that was concerned, on the loop; a single answer of
   *     home or backup if nothing could be done
   */
  CompletableFuture<List<Frame.ShadowAnswer>> make(Key key, int factor, Duration timeToLive) {
    var terms = ShadowTerms.of(ShadowReason.REQUESTED, factor, timeToLive);
    return Later.on(
        loop,
        () ->
            talk.isHolder(key)
                ? maker.make(key, terms)
                : talk.askHolder(ShadowVerb.MAKE, key, terms, null));
  }

  /** What the regions say of their shadows of a key, this one first. Any thread. */
  CompletableFuture<List<Frame.ShadowAnswer>> tell(Key key) {
    return Later.on(loop, () -> maker.tellAll(key));
  }

  /** Drops the shadows of a key everywhere, where nothing is lost by it. Any thread. */
  CompletableFuture<List<Frame.ShadowAnswer>> drop(Key key) {
    return Later.on(
        loop, () -> talk.askAll(dropHere(key).thenApply(List::of), ShadowVerb.DROP, key));
  }

  /** None is made again, and none has leave; regions that have one ask whether it may go. */
  private CompletableFuture<Frame.ShadowAnswer> dropHere(Key key) {
    lost.dropped(key);
    watch.forget(key);
    leaves.endAll(key);
    return held.drop(key);
  }

  @Override
  public CompletableFuture<List<Frame.ShadowAnswer>> asked(
      RegionName by, Frame.ShadowRequest request) {
    Key key = request.key();
    var terms = ShadowTerms.said(request.reason(), request.factor(), request.ttlMs());
    return switch (request.verb()) {
      case MAKE ->
          talk.isHolder(key)
              ? maker.make(key, terms)
              : CompletableFuture.completedFuture(List.of(talk.notHome(key)));
      case CLAIM -> CompletableFuture.completedFuture(List.of(leaves.claimed(by, key, terms)));
      case END -> CompletableFuture.completedFuture(List.of(ended(by, key, request.dot())));
      case DROP -> dropHere(key).thenApply(List::of);
      case TELL -> CompletableFuture.completedFuture(List.of(held.told(key)));
    };
  }

  /** Whether the payload of that version, or of one that covers it, is here. */
  private Frame.ShadowAnswer ended(RegionName by, Key key, @Nullable Dot dot) {
    if (!talk.isHolder(key)) {
      return talk.notHome(key);
    }
    if (dot == null) {
      // It has none, and nothing is lost by that.
      leaves.end(key, by);
      return talk.answer(MoveOutcome.DONE, "");
    }
    if (!held.isReadableHere(key, dot)) {
      return talk.answer(
          MoveOutcome.REFUSED, "region " + talk.region() + " does not hold the payload of " + key);
    }
    leaves.end(key, by);
    return talk.answer(MoveOutcome.DONE, "");
  }

  @Override
  public boolean hasShadow(Key key, RegionName by) {
    return leaves.of(key).contains(by);
  }

  @Override
  public boolean isAskedFor(Key key, RegionName by) {
    return leaves.isAskedFor(key, by);
  }

  @Override
  public CompletableFuture<Frame.ShadowAnswer> hold(MetadataRecord record, ShadowTerms terms) {
    return held.hold(record, terms);
  }

  @Override
  public void fetched(Key key, RegionName by) {
    if (talk.isHolder(key)) {
      leaves.fetched(key, by);
    } else {
      held.fetched(key, by);
    }
  }

  @Override
  public Map<RegionName, Long> shadowsOf(Key key) {
    return talk.isHolder(key) ? leaves.leftMsOf(key) : Map.of();
  }

  /** See {@link HeldShadows#claim}. */
  CompletableFuture<Frame.ShadowAnswer> claim(Key key, ShadowTerms terms, @Nullable Dot dot) {
    return held.claim(key, terms, dot);
  }

  /** See {@link HeldShadows#take}. */
  CompletableFuture<Boolean> take(Key key, ShadowTerms terms) {
    return held.take(key, terms);
  }

  /** Makes again what was lost, and looks at those whose time has come. */
  void sweep(ShadowRules rules) {
    watch.sweep();
    lost.remakeSome();
    held.sweep(rules);
  }

  /** The cluster is another one. */
  void rehomed(Set<RegionName> evicted) {
    held.rehomed();
    lost.add(leaves.lost(evicted));
    leaves.endWhatIsOthers();
    lost.tryAll();
  }

  /** A home was moved. */
  void rehomed(Key key) {
    held.rehomed(key);
    if (!talk.isHolder(key)) {
      watch.forget(key);
      leaves.endAll(key);
    }
  }

  /** A region that was away is back, and may have begun anew: as a home, or as one with shadows. */
  void reachedAgain(RegionName region) {
    held.rehomed();
    watch.reachedAgain(region);
  }

  /** One of so many regions that are to have a shadow holds the payload as home or backup now. */
  private void becameHolder(Key key, ShadowTerms terms) {
    lost.add(Map.of(key, ShadowPromise.from(terms, clock.nanoTime())));
  }

  /** Of shadows that went with regions that were evicted. Any thread. */
  RebuildStats rebuildStats() {
    return lost.stats();
  }

  /** Nothing of it can be read any more. Any thread. */
  void gone(Key key) {
    held.gone(key);
  }

  ShadowStats stats() {
    return held.stats().withLeavesForgotten(leaves.forgotten());
  }

  List<MemoryUse> memory() {
    ShadowStats stats = held.stats();
    return List.of(
        new MemoryUse("shadows", stats.bytes(), stats.maxBytes()),
        leaves.ledgerMemory(),
        lost.memory(),
        held.reclaimsMemory(),
        held.endedMemory(),
        leaves.readersMemory(),
        new MemoryUse("decisions on shadows", log.retainedBytes(), ShadowLog.MAX_BYTES));
  }
}
