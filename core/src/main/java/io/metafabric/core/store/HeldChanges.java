package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Stamp;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Changes that are stamped too far ahead of this node's clock: at most one range of each actor, in
 * the journal, until its time has come. What follows them stays where it comes from. Thread-safe.
 */
final class HeldChanges {
  private record Range(
      JournalEntry.Held entry,
      @Nullable FrameLocation at,
      CompletableFuture<Boolean> applied,
      long bytes) {}

  private final long maxSkewMs;
  private final Map<ActorId, Range> byActor = new TreeMap<>();
  private long bytes;
  private long everHeld;

  /** On their way to the journal, and not wanted any more. */
  private final Set<ActorId> dropped = new HashSet<>();

  HeldChanges(long maxSkewMs) {
    this.maxSkewMs = maxSkewMs;
  }

  /** Whether a record is stamped too far ahead of {@code nowMs}. */
  boolean isAhead(MetadataRecord record, long nowMs) {
    // The stamps of the fabric's own records are no times.
    return !record.key().isSystem() && aheadMs(record, nowMs) > maxSkewMs;
  }

  boolean isAhead(Stamp stamp, long nowMs) {
    return stamp.wallMs() - nowMs > maxSkewMs;
  }

  private static long aheadMs(MetadataRecord record, long nowMs) {
    long latest = record.header().version().stamp().wallMs();
    for (Sibling each : record.siblings()) {
      latest = Math.max(latest, each.header().version().stamp().wallMs());
    }
    return latest - nowMs;
  }

  synchronized boolean holds(ActorId actor) {
    return byActor.containsKey(actor);
  }

  /**
   * @return completes once they are applied; null if there is no room, or some are held already
   */
  synchronized @Nullable CompletableFuture<Boolean> hold(JournalEntry.Held entry) {
    long size = size(entry);
    boolean isKnown = byActor.containsKey(entry.actor()) || dropped.contains(entry.actor());
    if (isKnown || bytes + size > HeldStats.MAX_BYTES) {
      return null;
    }
    var applied = new CompletableFuture<Boolean>();
    byActor.put(entry.actor(), new Range(entry, null, applied, size));
    bytes += size;
    everHeld += entry.records().size();
    return applied;
  }

  private static long size(JournalEntry.Held entry) {
    return 64 + entry.records().stream().mapToLong(RecordCodec::estimatedBytes).sum();
  }

  /** It is in the journal. */
  synchronized void journaled(JournalEntry.Held entry, FrameLocation at) {
    if (dropped.remove(entry.actor())) {
      return;
    }
    Range range = byActor.get(entry.actor());
    if (range == null || range.entry.upTo() != entry.upTo()) {
      // Replayed.
      var replayed = new Range(entry, at, new CompletableFuture<>(), size(entry));
      bytes += replayed.bytes - (range == null ? 0 : range.bytes);
      byActor.put(entry.actor(), replayed);
    } else {
      byActor.put(entry.actor(), new Range(entry, at, range.applied, range.bytes));
    }
    at.markLive();
  }

  /** The disk refused it: it comes again. */
  synchronized void forget(ActorId actor) {
    dropped.remove(actor);
    Range range = byActor.remove(actor);
    if (range != null) {
      bytes -= range.bytes;
    }
  }

  /**
   * Those of a region that was taken in again are not applied any more: nobody has acknowledged
   * them, so the region has saved them before it was emptied, or sends them again.
   *
   * @return what they were
   */
  synchronized List<MetadataRecord> drop(Predicate<RegionName> wasTakenInAgain) {
    var gone = new ArrayList<MetadataRecord>();
    for (Range range : List.copyOf(byActor.values())) {
      if (wasTakenInAgain.test(range.entry.region())) {
        byActor.remove(range.entry.actor());
        bytes -= range.bytes;
        gone.addAll(range.entry.records());
        if (range.at == null) {
          dropped.add(range.entry.actor());
        } else {
          range.at.markDead();
        }
      }
    }
    return gone;
  }

  /** The changes of an actor up to {@code counter} have been applied. */
  void applied(ActorId actor, long counter) {
    Range range = removeUpTo(actor, counter);
    if (range != null) {
      if (range.at != null) {
        range.at.markDead();
      }
      range.applied.complete(true);
    }
  }

  private synchronized @Nullable Range removeUpTo(ActorId actor, long counter) {
    Range range = byActor.get(actor);
    if (range == null || range.entry.upTo() > counter) {
      return null;
    }
    byActor.remove(actor);
    bytes -= range.bytes;
    return range;
  }

  synchronized boolean isEmpty() {
    return byActor.isEmpty();
  }

  /**
   * Those in the journal of which none is too far ahead any more: they count as applied together,
   * since each may leave out what a later one has replaced.
   */
  synchronized List<JournalEntry.Held> due(long nowMs) {
    var due = new ArrayList<JournalEntry.Held>();
    for (Range range : byActor.values()) {
      if (range.at != null
          && range.entry.records().stream().noneMatch(each -> isAhead(each, nowMs))) {
        due.add(range.entry);
      }
    }
    return due;
  }

  /** Whether a range still waits. */
  synchronized boolean isLive(JournalEntry.Held entry) {
    Range range = byActor.get(entry.actor());
    return range != null && range.entry.upTo() == entry.upTo();
  }

  /**
   * Whether a frame of the journal is still needed. A range that was dropped, or of which a part
   * was applied before a restart, comes again, and is in the journal twice then: the later frame is
   * its place, and compaction would copy the other for ever.
   */
  synchronized boolean isLive(JournalEntry.Held entry, long position) {
    Range range = byActor.get(entry.actor());
    return range != null
        && range.entry.upTo() == entry.upTo()
        && (range.at == null || range.at.position() == position);
  }

  synchronized void moved(JournalEntry.Held entry, FrameLocation from, FrameLocation to) {
    Range range = byActor.get(entry.actor());
    if (range == null || range.at == null || !range.at.isSameAs(from)) {
      to.markDead();
    } else {
      byActor.put(entry.actor(), new Range(range.entry, to, range.applied, range.bytes));
    }
  }

  synchronized HeldStats stats(long nowMs) {
    long changes = 0;
    long aheadMs = 0;
    for (Range range : byActor.values()) {
      changes += range.entry.records().size();
      for (MetadataRecord each : range.entry.records()) {
        aheadMs = Math.max(aheadMs, aheadMs(each, nowMs));
      }
    }
    return new HeldStats(byActor.size(), changes, aheadMs, bytes, everHeld);
  }
}
