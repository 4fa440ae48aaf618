package io.metafabric.node;

import io.metafabric.cache.SingleFlight;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import io.metafabric.migrate.MovedHomes;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.arm.ReplicationManager;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a node's parts what its store has published, in an order that readers rely on: first what
 * they are shown, then peers, then whoever waits for it.
 *
 * <p>Has no state of its own. Called in the order of the journal, by whichever thread publishes.
 */
final class Publications {
  private static final Logger log = LoggerFactory.getLogger(Publications.class);

  private final RecordStore store;
  private final MovedHomes homes;
  private final SingleFlight<ReadOutcome> flights;
  private final LocalTiers tiers;
  private final ReplicationManager arm;
  private final Merging merging;
  private final PayloadChase chase;
  private final Shadows shadows;
  private final KeptPayloads kept;
  private final Replicator replicator;
  private final Guarantees guarantees;
  private final SerialExecutor loop;
  private final Clock clock;

  Publications(
      RecordStore store,
      MovedHomes homes,
      SingleFlight<ReadOutcome> flights,
      LocalTiers tiers,
      ReplicationManager arm,
      Merging merging,
      PayloadChase chase,
      Shadows shadows,
      KeptPayloads kept,
      Replicator replicator,
      Guarantees guarantees,
      SerialExecutor loop,
      Clock clock) {
    this.store = store;
    this.homes = homes;
    this.flights = flights;
    this.tiers = tiers;
    this.arm = arm;
    this.merging = merging;
    this.chase = chase;
    this.shadows = shadows;
    this.kept = kept;
    this.replicator = replicator;
    this.guarantees = guarantees;
    this.loop = loop;
    this.clock = clock;
  }

  void published(List<Published> changes) {
    long nowNanos = clock.nanoTime();
    for (Published change : changes) {
      if (change.record().key().isSystem()) {
        systemChanged(change.record().key());
        continue;
      }
      // Before anybody can have seen it: a reader who has must not join a flight that has not.
      flights.forget(change.record().key());
      if (!change.local()) {
        arm.updated(change.record().key().path(), nowNanos);
      }
      try {
        show(change);
      } catch (RuntimeException e) {
        log.error("{} could not be shown; it is read from the journal", change.record().key(), e);
        tiers.drop(change.record().key());
      }
    }
    replicator.published(changes);
    var inQuestion = new ArrayList<Published>();
    for (Published change : changes) {
      if (kept.isInQuestion(change.record().key())) {
        inQuestion.add(change);
      }
    }
    if (!inQuestion.isEmpty()) {
      loop.execute(() -> kept.changed(inQuestion));
    }
    guarantees.published();
  }

  private void systemChanged(Key key) {
    MetadataRecord newest = store.systemRecord(key);
    Key moved = newest == null ? null : moved(homes, newest);
    if (moved != null) {
      merging.homeMoved(moved);
      chase.rehomed(moved);
    }
  }

  /**
   * Has a system record in force.
   *
   * @return the key whose home it says; null if it says something else, or cannot be understood
   */
  static @Nullable Key moved(MovedHomes homes, MetadataRecord record) {
    try {
      return homes.apply(record);
    } catch (WireFormatException | InvalidKeyException e) {
      log.error("{} says nothing that can be understood, and is ignored", record.key(), e);
      return null;
    }
  }

  private void show(Published change) {
    merging.published(change);
    if (!change.local()) {
      chase.published(change.record());
    }
    if (merging.isToBeMerged(change.record())) {
      tiers.drop(change.record().key());
      return;
    }
    MetadataRecord record = change.record().alone();
    if (record.header().isTombstone()) {
      shadows.gone(record.key());
    }
    tiers.published(record, change.local());
  }
}
