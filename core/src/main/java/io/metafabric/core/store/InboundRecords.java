package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/**
 * Takes over records that another region did not send in the order of its actor's counters: nothing
 * is said of what is complete. Has no state, and takes the lock of the decisions itself.
 */
final class InboundRecords {
  private final Decisions decisions;
  private final Admission admission;
  private final IndexRoom room;
  private final InboundJoin join;
  private final ForgottenReturns returns;
  private final HeldChanges held;
  private final ConflictRules rules;
  private final Duration maxClockSkew;
  private final Clock clock;

  InboundRecords(
      ConflictConfig conflicts,
      Decisions decisions,
      Admission admission,
      IndexRoom room,
      InboundJoin join,
      ForgottenReturns returns,
      HeldChanges held,
      Clock clock) {
    this.decisions = decisions;
    this.admission = admission;
    this.room = room;
    this.join = join;
    this.returns = returns;
    this.held = held;
    this.rules = conflicts.rules();
    this.maxClockSkew = conflicts.maxClockSkew();
    this.clock = clock;
  }

  /** See {@link RecordStore#applyOne}. */
  CompletableFuture<Boolean> applyOne(Inbound inbound) {
    var future = new CompletableFuture<Boolean>();
    if (isTooFarAhead(inbound.record())) {
      future.complete(false);
      return future;
    }
    synchronized (decisions) {
      decisions.requireOpen();
      IndexFullException full = room.failureFor(List.of(inbound));
      if (full != null) {
        future.completeExceptionally(full);
      } else {
        try {
          if (!join.stageIfNews(inbound, Staged.Completion.completing(future, true))) {
            afterNewer(inbound.record().key(), Staged.Completion.completing(future, false));
          }
        } catch (StorageException e) {
          future.completeExceptionally(e);
        }
      }
    }
    decisions.commit();
    return future;
  }

  /** See {@link RecordStore#applyAll}. */
  CompletableFuture<Void> applyAll(List<Inbound> inbound) {
    return applyEach(inbound, () -> true, true);
  }

  /** See {@link RecordStore#applyPart}. */
  CompletableFuture<Void> applyPart(RegionName from, List<Inbound> inbound, long since) {
    return applyEach(inbound, () -> !admission.isGivenUp(from, since), false);
  }

  /**
   * @param isPresent whether it is some region's present state, not what one once sent
   */
  private CompletableFuture<Void> applyEach(
      List<Inbound> inbound, BooleanSupplier mayBeTaken, boolean isPresent) {
    long nowMs = clock.wallMs();
    var all = new AllDone(inbound.size());
    synchronized (decisions) {
      decisions.requireOpen();
      if (!mayBeTaken.getAsBoolean()) {
        return CompletableFuture.failedFuture(
            new FabricException("the state of a region that was taken in again is given up"));
      }
      IndexFullException full = room.failureFor(inbound);
      if (full != null) {
        return CompletableFuture.failedFuture(full);
      }
      for (Inbound one : inbound) {
        if (held.isAhead(one.record(), nowMs)) {
          all.done(tooFarAhead(one.record().key()));
          continue;
        }
        try {
          if (!join.stageIfNews(one, all)
              && !(isPresent
                  && (returns.keepDead(one, all) || returns.deleteAgain(one.record(), all)))) {
            afterNewer(one.record().key(), all);
          }
        } catch (StorageException e) {
          // What is known of this key cannot be read; the others are none the worse for it.
          all.done(e);
        }
      }
    }
    decisions.commit();
    return all.future();
  }

  /** See {@link RecordStore#isTooFarAhead}. */
  boolean isTooFarAhead(MetadataRecord record) {
    return held.isAhead(record, clock.wallMs());
  }

  /** See {@link RecordStore#tooFarAhead}. */
  ClockSkewException tooFarAhead(Key key) {
    return new ClockSkewException(
        key
            + " is stamped more than "
            + maxClockSkew
            + " ahead of this node's clock; set the clock that is wrong, or wait");
  }

  private void afterNewer(Key key, Staged.Completion done) {
    Staged newer = decisions.undecided(key);
    if (newer == null) {
      done.done(null);
    } else {
      newer.alsoTell(done);
    }
  }

  /** See {@link RecordStore#keep}. */
  CompletableFuture<Boolean> keep(MetadataRecord record) {
    if (rules.of(record.key()).keepsSiblings()) {
      return applyOne(new Inbound(record, true));
    }
    var future = new CompletableFuture<Boolean>();
    synchronized (decisions) {
      decisions.requireOpen();
      Header current = decisions.newestHeader(record.key());
      if (record.payload() == null
          || current == null
          || !current.version().dot().equals(record.header().version().dot())
          || current.payloadCrc32c() != record.header().payloadCrc32c()) {
        future.complete(false);
        return future;
      }
      MetadataRecord kept = record.withHeader(current);
      decisions.stage(
          new JournalEntry.Stored(kept),
          current.version().dot(),
          true,
          new Published(kept, false),
          RecordCodec.estimatedBytes(kept),
          Staged.Completion.completing(future, true));
    }
    decisions.commit();
    return future;
  }
}
