package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Takes over changes that another region sends in the order of its actor's counters, and says up to
 * which they are applied with them. What is stamped too far ahead of this node's clock waits in
 * {@link HeldChanges}, with all that follows it.
 *
 * <p>Has no state, and takes the lock of the decisions itself. What is held is looked at on the
 * executor that commits.
 */
final class InboundRanges {
  private static final Duration LOOK_AT_HELD_EVERY = Duration.ofSeconds(1);

  private final RegionName region;
  private final Decisions decisions;
  private final CompletePrefixes complete;
  private final Admission admission;
  private final IndexRoom room;
  private final InboundJoin join;
  private final InboundRecords records;
  private final HeldChanges held;
  private final SerialExecutor committing;
  private final Clock clock;

  InboundRanges(
      RegionName region,
      Decisions decisions,
      CompletePrefixes complete,
      Admission admission,
      IndexRoom room,
      InboundJoin join,
      InboundRecords records,
      HeldChanges held,
      SerialExecutor committing,
      Clock clock) {
    this.region = region;
    this.decisions = decisions;
    this.complete = complete;
    this.admission = admission;
    this.room = room;
    this.join = join;
    this.records = records;
    this.held = held;
    this.committing = committing;
    this.clock = clock;
  }

  /** See {@link RecordStore#applyRange(long, List, AppliedPrefix)}. */
  CompletableFuture<Boolean> apply(long after, List<Inbound> inbound, AppliedPrefix prefix) {
    return apply(after, inbound, prefix, Long.MAX_VALUE, () -> {});
  }

  /** See {@link RecordStore#applyRange(long, List, AppliedPrefix, long, Runnable)}. */
  CompletableFuture<Boolean> apply(
      long after, List<Inbound> inbound, AppliedPrefix prefix, long since, Runnable onHeld) {
    int ahead = firstAhead(inbound);
    return ahead < 0
        ? applyWhole(after, inbound, prefix, since)
        : hold(after, inbound, ahead, prefix, since, onHeld);
  }

  private int firstAhead(List<Inbound> inbound) {
    long nowMs = clock.wallMs();
    for (int i = 0; i < inbound.size(); i++) {
      if (held.isAhead(inbound.get(i).record(), nowMs)) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Takes what is before {@code ahead}, and holds the rest. Nothing counts as applied before all
   * does: what a change that is held has replaced was left out.
   */
  private CompletableFuture<Boolean> hold(
      long after,
      List<Inbound> inbound,
      int ahead,
      AppliedPrefix prefix,
      long since,
      Runnable onHeld) {
    if (after > decisions.takenUpTo(prefix.actor())) {
      return CompletableFuture.completedFuture(false);
    }
    var waiting = new ArrayList<MetadataRecord>();
    for (Inbound each : inbound.subList(ahead, inbound.size())) {
      waiting.add(each.keepPayload() ? each.record() : each.record().withoutPayload());
    }
    var entry =
        new JournalEntry.Held(prefix.region(), prefix.actor(), after, prefix.counter(), waiting);
    // What is before is durable first.
    return records
        .applyPart(prefix.region(), inbound.subList(0, ahead), since)
        .thenCompose(
            taken -> {
              onHeld.run();
              return hold(entry, since);
            });
  }

  private CompletableFuture<Boolean> hold(JournalEntry.Held entry, long since) {
    synchronized (decisions) {
      if (admission.isGivenUp(entry.region(), since)) {
        return CompletableFuture.completedFuture(false);
      }
      long taken = decisions.takenUpTo(entry.actor());
      if (entry.after() > taken) {
        // What was in front of it was refused meanwhile.
        return CompletableFuture.completedFuture(false);
      }
      CompletableFuture<Boolean> applied = entry.after() < taken ? null : held.hold(entry);
      if (applied == null) {
        // It is here already, and comes again; or comes again when there is room.
        return new CompletableFuture<>();
      }
      long bytes = entry.records().stream().mapToLong(RecordCodec::estimatedBytes).sum();
      decisions.stage(
          entry,
          null,
          false,
          null,
          (int) bytes,
          failure -> {
            if (failure == null) {
              planHeld();
            } else {
              held.forget(entry.actor());
            }
          });
      decisions.commit();
      return applied;
    }
  }

  /** Clocks may be set: looks again every second. */
  void planHeld() {
    if (!held.isEmpty()) {
      committing.schedule(LOOK_AT_HELD_EVERY, this::applyHeld);
    }
  }

  private void applyHeld() {
    for (JournalEntry.Held range : held.due(clock.wallMs())) {
      var inbound = new ArrayList<Inbound>();
      range.records().forEach(record -> inbound.add(new Inbound(record, true)));
      try {
        synchronized (decisions) {
          if (held.isLive(range)) {
            applyWhole(
                range.after(),
                inbound,
                new AppliedPrefix(range.region(), range.actor(), range.upTo()),
                Long.MAX_VALUE);
          }
        }
      } catch (FabricClosedException e) {
        return;
      }
    }
    planHeld();
  }

  private CompletableFuture<Boolean> applyWhole(
      long after, List<Inbound> inbound, AppliedPrefix prefix, long since) {
    var future = new CompletableFuture<Boolean>();
    synchronized (decisions) {
      decisions.requireOpen();
      long taken = decisions.takenUpTo(prefix.actor());
      RegionName known = complete.regionOf(prefix.actor());
      boolean isAnothers = known != null && !known.equals(prefix.region());
      if (after > taken || isAnothers || admission.isGivenUp(prefix.region(), since)) {
        future.complete(false);
        return future;
      }
      try {
        stageRange(inbound, taken, prefix, future);
      } catch (FabricException e) {
        // What was staged of it stays; all of it comes again.
        future.completeExceptionally(e);
      }
    }
    decisions.commit();
    return future;
  }

  private void stageRange(
      List<Inbound> inbound, long taken, AppliedPrefix prefix, CompletableFuture<Boolean> future) {
    IndexFullException full = room.failureFor(inbound);
    if (full != null) {
      throw full;
    }
    for (Inbound one : inbound) {
      if (one.record().header().version().dot().counter() > taken) {
        join.stageIfNews(one, failure -> {});
      }
    }
    decisions.stageNote(
        new JournalEntry.Applied(
            prefix.region(), prefix.actor(), Math.max(taken, prefix.counter())),
        Staged.Completion.completing(future, true));
    decisions.taken(prefix);
  }

  /** See {@link RecordStore#regained}. */
  CompletableFuture<?> regained(VersionVector appliedThere) {
    var done = new ArrayList<CompletableFuture<?>>();
    appliedThere.forEach(
        (who, counter) -> {
          if (counter > complete.upTo(who)) {
            done.add(apply(0, List.of(), new AppliedPrefix(region, who, counter)));
          }
        });
    return CompletableFuture.allOf(done.toArray(CompletableFuture<?>[]::new));
  }

  /** See {@link RecordStore#inherited}. */
  CompletableFuture<?> inherited(RegionName from, VersionVector appliedThere) {
    var done = new ArrayList<CompletableFuture<?>>();
    appliedThere.forEach(
        (who, counter) -> {
          if (counter > decisions.takenUpTo(who)) {
            done.add(apply(0, List.of(), new AppliedPrefix(from, who, counter)));
          }
        });
    return CompletableFuture.allOf(done.toArray(CompletableFuture<?>[]::new));
  }
}
