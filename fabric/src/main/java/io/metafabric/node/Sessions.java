package io.metafabric.node;

import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.place.Homes;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Replicator;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Lets a session's reads and writes go on here once this region knows what they depend on. A read
 * waits for its own key alone: for the single writes of it that the session names, which are asked
 * for elsewhere at once; and for what is named without keys, until it has come, or home, backup or
 * the region that wrote it, having all of it, has answered for the key. A write waits until all of
 * it is here, so that it may say so in its context. Thread-safe.
 */
public final class Sessions {
  private static final Duration BETWEEN_TRIES = Duration.ofMillis(200);

  private final RecordStore store;
  private final Replicator replicator;
  private final Function<Key, Homes> homes;
  private final Clock clock;
  private final Waits waits;
  private final WhatIsMissing missing;
  private final BiFunction<Key, FetchResult, CompletionStage<?>> keep;

  /**
   * @param keep makes what another region gave part of what is known here
   */
  Sessions(
      RecordStore store,
      Replicator replicator,
      Function<Key, Homes> homes,
      Clock clock,
      Waits waits,
      WhatIsMissing missing,
      BiFunction<Key, FetchResult, CompletionStage<?>> keep) {
    this.store = store;
    this.replicator = replicator;
    this.homes = homes;
    this.clock = clock;
    this.waits = waits;
    this.missing = missing;
    this.keep = keep;
  }

  /**
   * Completes once a read of the key that begins then sees what the session depends on; at once if
   * it does already.
   *
   * @return fails with a {@link NotReplicatedException} after {@code timeout}, with a {@link
   *     io.metafabric.core.error.StorageException} if what is here cannot be read, with an {@link
   *     io.metafabric.core.error.OverloadedException} if too many wait already
   */
  public CompletableFuture<Void> readyToRead(Key key, Dependencies needs, Duration timeout) {
    var reading = new Reading(key, needs, timeout);
    if (reading.isKnown() && store.isShown(store.publishing())) {
      return CompletableFuture.completedFuture(null);
    }
    waits.add(reading, bytesOf(needs), timeout);
    return reading.ready;
  }

  /**
   * Completes once everything is here that the session depends on; at once in a region that was
   * evicted, where the write itself is refused.
   *
   * @return fails as {@link #readyToRead}
   */
  public CompletableFuture<Void> readyToWrite(Dependencies needs, Duration timeout) {
    var writing = new Writing(needs, timeout);
    if (writing.isReady()) {
      return CompletableFuture.completedFuture(null);
    }
    waits.add(writing, bytesOf(needs), timeout);
    return writing.ready;
  }

  /** With what is made of it while it waits. */
  static long bytesOf(Dependencies needs) {
    return 3 * needs.estimatedBytes();
  }

  /** What a session depends on, without what no region can lack any more. */
  public Dependencies compacted(Dependencies dependencies) {
    return dependencies.isEmpty() ? dependencies : dependencies.above(replicator.stableFloor());
  }

  private boolean isKnown(Key key, Dot dot) {
    return covers(key, dot) || (store.isApplied(dot) && !mayBeReplacedElsewhere(dot));
  }

  private boolean covers(Key key, Dot dot) {
    if (store.conflictRules().of(key).keepsSiblings()) {
      MetadataRecord known = store.read(key);
      return known != null && known.covers(dot);
    }
    Header known = store.header(key);
    return known != null && known.version().covers(dot);
  }

  /**
   * Whether a write that is applied, and not part of what is known of its key, was left out of its
   * writer's changes for a later one that has not come yet; otherwise it is dead and forgotten.
   */
  private boolean mayBeReplacedElsewhere(Dot dot) {
    RegionName writer = missing.regionOf(dot.actor());
    return writer != null && replicator.isPeer(writer) && !replicator.hadEverythingOf(writer);
  }

  private NotReplicatedException lacking(Dependencies needs, Duration waited) {
    return missing.in(store.region(), needs.all(), store::completeUpTo, waited);
  }

  /** A read that has to wait. */
  private final class Reading implements Waits.Attempt {
    final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final Key key;
    private final Dependencies needs;
    private final List<Dot> ofKey;
    private final AwaitedWrites upTo;
    private final Duration timeout;
    private @Nullable LikelyToKnow likely;
    private long lookedNanos;
    private volatile boolean asking;
    private volatile boolean answered;
    private boolean tried;
    private long triedNanos;
    // Once the read sees all it must: from which position on readers are shown that.
    private long shownFrom = -1;

    Reading(Key key, Dependencies needs, Duration timeout) {
      this.key = key;
      this.needs = needs;
      this.ofKey = needs.recentOf(key);
      this.upTo = new AwaitedWrites(needs.upTo());
      this.timeout = timeout;
    }

    boolean isKnown() {
      if (needs.hasSeenNothing()) {
        return true;
      }
      // What is not named, because all members have it, may be missing in a region that was
      // evicted, or is being filled.
      return mayNameTheMissing() && firstUnknown().isEmpty();
    }

    /** Whether what is missing here, if anything is, can only be single writes of the key. */
    private boolean mayNameTheMissing() {
      return replicator.knowsItsOwn() && upTo.haveCome(store::completeUpTo);
    }

    @Override
    public CompletableFuture<?> ended() {
      return ready;
    }

    @Override
    public void tryNow() {
      if (answered || isKnown()) {
        completeOnceShown();
      } else if (!asking) {
        askElsewhere();
      }
    }

    /** The index has it; the hot tier, or a flight that began before, may have what was there. */
    private void completeOnceShown() {
      if (shownFrom < 0) {
        shownFrom = store.publishing();
      }
      if (store.isShown(shownFrom)) {
        ready.complete(null);
      }
    }

    @Override
    public void giveUp() {
      ready.completeExceptionally(lacking(needs, timeout));
    }

    private void askElsewhere() {
      long now = clock.nanoTime();
      if (tried && now - triedNanos < BETWEEN_TRIES.toNanos()) {
        return;
      }
      if (mayNameTheMissing()) {
        Optional<Dot> unknown = firstUnknown();
        if (unknown.isEmpty()) {
          // It has come since it was looked for.
          completeOnceShown();
          return;
        }
        tried = true;
        triedNanos = now;
        askForWrite(unknown.get());
        return;
      }
      LikelyToKnow regions = likelyToKnow(now);
      for (RegionName region : regions.regions()) {
        if (regions.hasAll(region)) {
          tried = true;
          triedNanos = now;
          askForAll(region, replicator.freshness().appliedBy(region));
          return;
        }
        replicator.freshness().ask(region);
      }
    }

    private Optional<Dot> firstUnknown() {
      return ofKey.stream().filter(dot -> !Sessions.this.isKnown(key, dot)).findFirst();
    }

    private LikelyToKnow likelyToKnow(long now) {
      LikelyToKnow known = likely;
      if (known == null) {
        known = new LikelyToKnow(store, replicator, missing, needs.upTo(), needs.all());
        likely = known;
      } else if (now - lookedNanos < BETWEEN_TRIES.toNanos()) {
        return known;
      }
      lookedNanos = now;
      known.look(homes.apply(key));
      return known;
    }

    private void askForWrite(Dot dot) {
      asking = true;
      replicator
          .fetchWrite(key, store.header(key), dot, missing.regionOf(dot.actor()))
          .thenCompose(this::kept)
          .whenComplete(
              (result, failure) -> {
                // Who was to know of it knows of nothing: it is forgotten.
                answered = result instanceof FetchResult.Absent && store.isApplied(dot);
                wasAnswered();
              });
    }

    private CompletionStage<FetchResult> kept(FetchResult result) {
      return result instanceof FetchResult.Found
          ? keep.apply(key, result).thenApply(done -> result)
          : CompletableFuture.completedFuture(result);
    }

    /**
     * @param there what it had applied before it is asked
     */
    private void askForAll(RegionName region, VersionVector there) {
      asking = true;
      replicator
          .fetchFrom(region, key)
          .thenCompose(this::kept)
          .whenComplete(
              (result, failure) -> {
                if (failure == null) {
                  answered = isAnswer(result, there);
                }
                wasAnswered();
              });
    }

    /** What is known here now has at least what was known there. */
    private boolean isAnswer(FetchResult result, VersionVector there) {
      boolean taken =
          result instanceof FetchResult.Absent
              || (result instanceof FetchResult.Found found
                  && Sessions.this.isKnown(key, found.record().header().version().dot()));
      return taken
          && ofKey.stream().allMatch(dot -> there.contains(dot) || Sessions.this.isKnown(key, dot));
    }

    private void wasAnswered() {
      asking = false;
      waits.advanced();
    }
  }

  /** A write that has to wait. */
  private final class Writing implements Waits.Attempt {
    final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final Dependencies needs;
    private final AwaitedWrites all;
    private final Duration timeout;

    Writing(Dependencies needs, Duration timeout) {
      this.needs = needs;
      this.all = new AwaitedWrites(needs.all());
      this.timeout = timeout;
    }

    boolean isReady() {
      return !replicator.isAdmitted()
          || needs.hasSeenNothing()
          || (replicator.knowsItsOwn() && all.haveCome(store::completeUpTo));
    }

    @Override
    public CompletableFuture<?> ended() {
      return ready;
    }

    @Override
    public void tryNow() {
      if (isReady()) {
        ready.complete(null);
      }
    }

    @Override
    public void giveUp() {
      ready.completeExceptionally(lacking(needs, timeout));
    }
  }
}
