package io.metafabric.node;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.place.Homes;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecordStore;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Replicator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What callers may ask for beyond what every read and write promises: sessions, bounds on
 * staleness, and where writes are to be durable. Thread-safe.
 */
public final class Guarantees {
  private final Waits waits;
  private final Sessions sessions;
  private final FreshReads freshReads;
  private final Acknowledgements acknowledgements;

  /**
   * @param keep makes what another region gave part of what is known here
   * @param shown what the hot tier has of a key
   * @param reader asks this node's other tiers, and other regions
   */
  Guarantees(
      RecordStore store,
      Replicator replicator,
      Function<Key, Homes> homes,
      SerialExecutor loop,
      Clock clock,
      BiFunction<Key, FetchResult, CompletionStage<?>> keep,
      Function<Key, @Nullable MetadataRecord> shown,
      BiFunction<@Nullable String, Key, CompletableFuture<ReadOutcome>> reader) {
    this.waits = new Waits(loop, clock);
    var missing = new WhatIsMissing(store, replicator);
    this.sessions = new Sessions(store, replicator, homes, clock, waits, missing, keep);
    this.acknowledgements = new Acknowledgements(store, replicator, homes, waits, missing);
    this.freshReads =
        new FreshReads(
            store,
            replicator,
            clock,
            waits,
            keep,
            (client, key) -> {
              MetadataRecord hot = shown.apply(key);
              return hot != null && hot.header().isVisibleAt(clock.wallMs())
                  ? CompletableFuture.completedFuture(new ReadOutcome.Value(hot, Outcome.HOT))
                  : reader.apply(client, key);
            });
    replicator.onAdvance(waits::advanced);
  }

  public Sessions sessions() {
    return sessions;
  }

  public FreshReads freshReads() {
    return freshReads;
  }

  public Acknowledgements acknowledgements() {
    return acknowledgements;
  }

  /** What callers hold that wait, in bytes, by estimate. Any thread. */
  long waitingBytes() {
    return waits.estimatedBytes();
  }

  /** Who waits. Any thread. */
  WaitStats stats() {
    return waits.stats();
  }

  /** Something was published here. Any thread. */
  void published() {
    waits.advanced();
  }

  /** On the loop. */
  void tick() {
    waits.tick();
  }

  /** The loop has ended before. */
  void close() {
    waits.close();
  }
}
