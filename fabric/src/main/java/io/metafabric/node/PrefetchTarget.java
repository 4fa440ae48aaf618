package io.metafabric.node;

import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.SingleFlight;
import io.metafabric.cache.WasteListener;
import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecordStore;
import io.metafabric.replicate.FetchResult;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The node as its prefetcher sees it: a prefetch is a flight like that of a read, so that reads
 * join it, and ends on probation in the hot tier; what is read is told to all who learn from it.
 *
 * <p>Has no state of its own. Called on the loop.
 */
final class PrefetchTarget implements Prefetcher.Target {
  private final SingleFlight<ReadOutcome> flights;
  private final HotTier<?> hot;
  private final RecordStore store;
  private final LocalTiers tiers;
  private final FetchedRecords fetched;
  private final Clock clock;
  private final ShadowKeeper shadowKeeper;
  private final KeptPayloads kept;
  private final AccessSummaries summaries;
  private final WasteListener wasted;

  PrefetchTarget(
      SingleFlight<ReadOutcome> flights,
      HotTier<?> hot,
      RecordStore store,
      LocalTiers tiers,
      FetchedRecords fetched,
      Clock clock,
      ShadowKeeper shadowKeeper,
      KeptPayloads kept,
      AccessSummaries summaries,
      WasteListener wasted) {
    this.flights = flights;
    this.hot = hot;
    this.store = store;
    this.tiers = tiers;
    this.fetched = fetched;
    this.clock = clock;
    this.shadowKeeper = shadowKeeper;
    this.kept = kept;
    this.summaries = summaries;
    this.wasted = wasted;
  }

  @Override
  public void arrived(Prediction prediction) {
    shadowKeeper.arrived(prediction);
  }

  @Override
  public void read(AccessEvent event) {
    shadowKeeper.read(event);
    kept.read(event);
    summaries.read(event);
  }

  @Override
  public @Nullable Header missingPayload(Key key) {
    if (hot.peek(key) != null || flights.isFlying(key)) {
      return null;
    }
    MetadataRecord record;
    try {
      record = store.read(key);
    } catch (StorageException e) {
      // Whoever reads it is told; the other predictions have nothing to do with it.
      return null;
    }
    if (record == null
        || record.payload() != null
        || record.hasSiblings()
        || tiers.copyOf(key) != null
        || !record.header().isVisibleAt(clock.wallMs())) {
      return null;
    }
    return record.header();
  }

  @Override
  public HotTierStats tier() {
    return hot.stats();
  }

  @Override
  public CompletableFuture<Boolean> expect(
      Key key, String predictor, Duration patience, CompletableFuture<FetchResult> arriving) {
    return flights
        .fly(
            key,
            () ->
                arriving.thenCompose(
                    result ->
                        result instanceof FetchResult.Found found && !found.record().hasSiblings()
                            ? fetched.takeOver(
                                found.record(), record -> take(record, predictor, patience))
                            : CompletableFuture.completedFuture(new ReadOutcome.PrefetchMissed())))
        .thenApply(ReadOutcome.Value.class::isInstance);
  }

  /** What has come and finds no place, as it is too large or superseded, was fetched in vain. */
  private void take(MetadataRecord record, String predictor, Duration patience) {
    Bytes payload = record.payload();
    boolean taken = hot.fillPrefetched(record, predictor, clock.nanoTime() + patience.toNanos());
    if (!taken && payload != null) {
      wasted.wasted(predictor, record.key().path(), payload.length());
    }
  }
}
