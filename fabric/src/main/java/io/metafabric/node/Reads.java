package io.metafabric.node;

import io.metafabric.cache.HotEntry;
import io.metafabric.cache.HotTier;
import io.metafabric.cache.SingleFlight;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecordStore;
import io.metafabric.predict.AccessRing;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The reads of callers: a hit, a look into the other tiers, or a flight that reads of one key
 * share, see {@link Lookups}. Counts them, and tells those who learn from reads.
 *
 * <p>Owns the counts; the flights are those of prefetches too. Thread-safe.
 *
 * @param <V> what readers are handed
 */
final class Reads<V> {
  private final RecordStore store;
  private final HotTier<V> hot;
  private final LocalTiers tiers;
  private final SingleFlight<ReadOutcome> flights;
  private final Lookups lookups;
  private final AccessRing accesses;
  private final Prefetcher prefetcher;
  private final SerialExecutor loop;
  private final Clock clock;
  private final ReadCounts counts = new ReadCounts();

  Reads(
      RecordStore store,
      HotTier<V> hot,
      LocalTiers tiers,
      SingleFlight<ReadOutcome> flights,
      Lookups lookups,
      AccessRing accesses,
      Prefetcher prefetcher,
      SerialExecutor loop,
      Clock clock) {
    this.store = store;
    this.hot = hot;
    this.tiers = tiers;
    this.flights = flights;
    this.lookups = lookups;
    this.accesses = accesses;
    this.prefetcher = prefetcher;
    this.loop = loop;
    this.clock = clock;
  }

  /** See {@link FabricNode#hit}: no allocation, no lock, no clock unless the entry expires. */
  @Nullable Optional<V> hit(@Nullable String client, String path) {
    HotEntry<V> entry = hot.hit(path);
    if (entry == null
        || (entry.expiresAtMs() != Header.NEVER && clock.wallMs() >= entry.expiresAtMs())) {
      return null;
    }
    Outcome outcome = Outcome.HOT;
    if (entry.markRead()) {
      outcome = Outcome.PREFETCHED;
      prefetchUsed(entry);
    }
    counts.count(outcome);
    accesses.record(client, path, outcome);
    return entry.view();
  }

  /** See {@link FabricNode#readHere}. */
  @Nullable MetadataRecord readHere(@Nullable String client, Key key) {
    if (store.conflictRules().of(key).keepsSiblings()) {
      return null;
    }
    MetadataRecord record = tiers.held(key);
    if (record == null || !isVisible(record.header())) {
      return null;
    }
    hot.fill(record);
    counts.count(Outcome.WARM);
    accesses.record(client, key.path(), Outcome.WARM);
    return record;
  }

  private boolean isVisible(Header header) {
    return !header.isTombstone()
        && (header.expiresAtMs() == Header.NEVER || header.isVisibleAt(clock.wallMs()));
  }

  /** See {@link FabricNode#read}. */
  CompletableFuture<ReadOutcome> read(@Nullable String client, Key key) {
    return fly(client, key)
        .thenCompose(
            outcome ->
                outcome instanceof ReadOutcome.PrefetchMissed
                    ? read(client, key)
                    : CompletableFuture.completedFuture(outcome));
  }

  private CompletableFuture<ReadOutcome> fly(@Nullable String client, Key key) {
    var leads = new AtomicBoolean();
    CompletableFuture<ReadOutcome> flight =
        flights.fly(
            key,
            () -> {
              leads.set(true);
              return lookups.load(client, key);
            });
    if (!leads.get() && !flight.isDone()) {
      long nowNanos = clock.nanoTime();
      loop.execute(() -> prefetcher.joined(key, nowNanos));
      lookups.waitsForRemote(client, key);
    }
    return flight;
  }

  /**
   * The record with all that belongs to it, wherever it is, for this node's own use; completes with
   * null if there is no value, or nobody who is reachable has it.
   */
  CompletableFuture<@Nullable MetadataRecord> whole(Key key) {
    if (store.conflictRules().of(key).keepsSiblings()) {
      return lookups.siblings(key).toCompletableFuture();
    }
    return read(null, key)
        .thenApply(outcome -> outcome instanceof ReadOutcome.Value value ? value.record() : null);
  }

  /** Counts and learns a read whose outcome is known. */
  void finished(@Nullable String client, Key key, ReadOutcome outcome) {
    if (outcome instanceof ReadOutcome.Value value) {
      counts.count(value.from());
      if (value.from() == Outcome.REMOTE) {
        HotEntry<V> entry = hot.hit(key.path());
        // It waited on a prefetch that was under way: late, but of use.
        if (entry != null && entry.markRead()) {
          prefetchUsedLate(entry);
        }
      }
      if (value.from() != Outcome.REMOTE) {
        accesses.record(client, key.path(), value.from());
      }
    } else if (outcome instanceof ReadOutcome.Absent) {
      counts.count(Outcome.ABSENT);
    } else if (outcome instanceof ReadOutcome.Superseded) {
      counts.countSuperseded();
    } else {
      counts.countFailed();
    }
  }

  private void prefetchUsed(HotEntry<V> entry) {
    String predictor = entry.predictor();
    if (predictor != null) {
      loop.execute(() -> prefetcher.used(predictor, entry.record().key().path()));
    }
  }

  private void prefetchUsedLate(HotEntry<V> entry) {
    String predictor = entry.predictor();
    if (predictor != null) {
      long nowNanos = clock.nanoTime();
      loop.execute(() -> prefetcher.usedLate(predictor, entry.record().key().path(), nowNanos));
    }
  }

  ReadCounts counts() {
    return counts;
  }
}
