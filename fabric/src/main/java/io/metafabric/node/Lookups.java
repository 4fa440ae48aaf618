package io.metafabric.node;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.predict.AccessRing;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Replicator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Where the value of a key is looked for beyond the hot tier, in which order: here, and then in
 * other regions, unless it is known that there is none. Has the prefetcher look ahead while another
 * region is waited for.
 *
 * <p>Has no state of its own. Thread-safe; who joins whom is up to {@link Reads}.
 */
final class Lookups {
  /** How often a read asks anew for what was written while it asked, after nobody had the older. */
  private static final int MAX_ASKED_ANEW = 4;

  private final RegionName region;
  private final RecordStore store;
  private final LocalTiers tiers;
  private final FetchedRecords fetched;
  private final Replicator replicator;
  private final HomeLookup homes;
  private final SiblingReads siblingReads;
  private final Merging merging;
  private final AccessRing accesses;
  private final Prefetcher prefetcher;
  private final SerialExecutor loop;
  private final Clock clock;

  Lookups(
      RegionName region,
      RecordStore store,
      LocalTiers tiers,
      FetchedRecords fetched,
      Replicator replicator,
      HomeLookup homes,
      SiblingReads siblingReads,
      Merging merging,
      AccessRing accesses,
      Prefetcher prefetcher,
      SerialExecutor loop,
      Clock clock) {
    this.region = region;
    this.store = store;
    this.tiers = tiers;
    this.fetched = fetched;
    this.replicator = replicator;
    this.homes = homes;
    this.siblingReads = siblingReads;
    this.merging = merging;
    this.accesses = accesses;
    this.prefetcher = prefetcher;
    this.loop = loop;
    this.clock = clock;
  }

  /** What a read of the key is told; what it finds is in the hot tier then. */
  CompletionStage<ReadOutcome> load(@Nullable String client, Key key) {
    if (store.conflictRules().of(key).keepsSiblings()) {
      return loadBeside(client, key);
    }
    MetadataRecord known = tiers.known(key);
    ReadOutcome here = tiers.readable(known, Outcome.WARM);
    if (here == null) {
      if (known == null && isHome(key) && !replicator.heardFromPeers().isDone()) {
        // A restored directory may lack it, which the peers will say in a moment.
        return replicator.heardFromPeers().thenCompose(heard -> load(client, key));
      }
      return known == null && knowsAbsent(key)
          ? CompletableFuture.completedFuture(new ReadOutcome.Absent(false))
          : remote(client, key, known == null ? null : known.header());
    }
    if (here instanceof ReadOutcome.Value value) {
      tiers.fill(value.record());
    }
    return CompletableFuture.completedFuture(here);
  }

  private CompletionStage<ReadOutcome> loadBeside(@Nullable String client, Key key) {
    MetadataRecord known = store.read(key);
    if (known == null && knowsAbsent(key)) {
      return CompletableFuture.completedFuture(new ReadOutcome.Absent(false));
    }
    boolean all = known != null && merging.concernsReads(known);
    if (!siblingReads.isIncomplete(known, all)) {
      return shown(key, new SiblingReads.Found(known, null), Outcome.WARM);
    }
    CompletionStage<ReadOutcome> outcome =
        siblingReads
            .find(key, known, merging::concernsReads)
            .thenCompose(found -> shown(key, found, Outcome.REMOTE));
    waitsForRemote(client, key);
    return outcome;
  }

  private CompletionStage<ReadOutcome> shown(Key key, SiblingReads.Found found, Outcome from) {
    MetadataRecord record = found.record();
    if (record != null && merging.concernsReads(record)) {
      if (siblingReads.isIncomplete(record, true)) {
        // One of them alone may lack what this very region has written before.
        return CompletableFuture.completedFuture(
            found.asked() == null
                ? orUnreachable(null)
                : FetchedRecords.unreachable(found.asked()));
      }
      return merging
          .merged(record)
          .thenApply(
              merged ->
                  merged == null
                      ? shownWinner(key, found, from)
                      : new ReadOutcome.Value(merged, from));
    }
    return CompletableFuture.completedFuture(shownWinner(key, found, from));
  }

  private ReadOutcome shownWinner(Key key, SiblingReads.Found found, Outcome from) {
    ReadOutcome here = tiers.readable(found.record(), from);
    if (here instanceof ReadOutcome.Value value) {
      tiers.fill(value.record());
    }
    FetchResult asked = found.asked();
    return here != null || asked == null
        ? orUnreachable(here)
        : fetched.notFound(key, found.record(), asked);
  }

  private static ReadOutcome orUnreachable(@Nullable ReadOutcome here) {
    return here == null ? new ReadOutcome.Unreachable("its payload is not here") : here;
  }

  /** All versions of a key, with the payloads that can be had; null if nothing is known of it. */
  CompletionStage<@Nullable MetadataRecord> siblings(Key key) {
    MetadataRecord known = store.read(key);
    if (known == null ? knowsAbsent(key) : !siblingReads.isIncomplete(known, true)) {
      return CompletableFuture.completedFuture(known);
    }
    return siblingReads
        .find(key, known, any -> true)
        .thenApply(
            found -> {
              FetchResult asked = found.asked();
              boolean complete = !siblingReads.isIncomplete(found.record(), true);
              if (!complete
                  && asked != null
                  && !(fetched.notFound(key, found.record(), asked)
                      instanceof ReadOutcome.Absent)) {
                throw new RegionUnreachableException(
                    "the siblings of "
                        + key
                        + " cannot be read now: not all of them are here; try again when the links"
                        + " are back");
              }
              return found.record();
            });
  }

  /** The home of a key knows whether it exists; everybody does who knows all headers. */
  private boolean knowsAbsent(Key key) {
    return (isHome(key) && replicator.answersFor(key)) || replicator.knowsAllHeaders();
  }

  private boolean isHome(Key key) {
    return homes.homesOf(key).home().equals(region);
  }

  private CompletionStage<ReadOutcome> remote(
      @Nullable String client, Key key, @Nullable Header known) {
    long begunNanos = clock.nanoTime();
    CompletionStage<ReadOutcome> outcome = ask(key, known, null, MAX_ASKED_ANEW);
    waitsForRemote(client, key);
    return outcome.whenComplete(
        (value, failure) -> {
          if (value instanceof ReadOutcome.Value) {
            long nanos = clock.nanoTime() - begunNanos;
            loop.execute(() -> prefetcher.stalled(key.path(), nanos));
          }
        });
  }

  /**
   * @param older what was given instead of what was asked for before; null if nothing was
   */
  private CompletionStage<ReadOutcome> ask(
      Key key, @Nullable Header known, FetchResult.@Nullable Superseded older, int anew) {
    return replicator
        .fetch(key, known)
        .thenCompose(
            result -> {
              if (result instanceof FetchResult.Found) {
                return fetched.arrived(key, result);
              }
              FetchResult.Superseded instead =
                  result instanceof FetchResult.Superseded given ? given : older;
              // Not where nobody answers, be it for good.
              boolean again = anew > 0 && !(result instanceof FetchResult.Unreachable);
              Header newer = again ? newSince(key, known) : null;
              return newer == null
                  ? fetched.arrived(key, instead == null ? result : instead)
                  : ask(key, newer, instead, anew - 1);
            });
  }

  /**
   * What another region has written while it was asked for an older one, and is not here; else
   * null. Those who were asked may not have heard of it yet.
   */
  private @Nullable Header newSince(Key key, @Nullable Header asked) {
    MetadataRecord now = tiers.known(key);
    if (now == null || tiers.readable(now, Outcome.REMOTE) != null) {
      return null;
    }
    return asked != null && KeyIndex.isSameWrite(asked, now.header()) ? null : now.header();
  }

  /** While this read waits, what is likely to follow it can be on its way already. */
  void waitsForRemote(@Nullable String client, Key key) {
    accesses.record(client, key.path(), Outcome.REMOTE);
    loop.execute(prefetcher::run);
  }
}
