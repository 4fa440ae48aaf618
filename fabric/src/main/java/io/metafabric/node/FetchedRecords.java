package io.metafabric.node;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Replicator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of that which other regions were asked for: a record that came is made part of what
 * is known here, and a read is told of it, or of what there is instead. Asks nobody itself.
 *
 * <p>Has no state of its own. Thread-safe: an answer is taken in on the thread that brings it.
 */
final class FetchedRecords {
  private final RegionName region;
  private final RecordStore store;
  private final LocalTiers tiers;
  private final Replicator replicator;
  private final Clock clock;

  FetchedRecords(
      RegionName region, RecordStore store, LocalTiers tiers, Replicator replicator, Clock clock) {
    this.region = region;
    this.store = store;
    this.tiers = tiers;
    this.replicator = replicator;
    this.clock = clock;
  }

  /** Takes an answer in; completes with what a read of the key is told. */
  CompletionStage<ReadOutcome> arrived(Key key, FetchResult result) {
    if (result instanceof FetchResult.Found found) {
      MetadataRecord arrived = found.record().alone();
      if (arrived.payload() != null || arrived.header().isTombstone()) {
        return takeOver(arrived, tiers::fill);
      }
    }
    return CompletableFuture.completedFuture(notFound(key, store.read(key), result));
  }

  /** The same for a caller who is not told; where siblings are kept, all that came are. */
  CompletionStage<?> keep(Key key, FetchResult result) {
    return result instanceof FetchResult.Found found
            && store.conflictRules().of(key).keepsSiblings()
        ? store.applyOne(new Inbound(found.record(), true))
        : arrived(key, result);
  }

  /**
   * What a read is told where the newest payload did not come.
   *
   * @param known what is known here by now
   */
  ReadOutcome notFound(Key key, @Nullable MetadataRecord known, FetchResult result) {
    // It may have come in the meantime, from here or from elsewhere.
    ReadOutcome here = tiers.readable(known, Outcome.REMOTE);
    if (here == null && known == null) {
      here = isAbsent(key, result) ? new ReadOutcome.Absent(false) : null;
    }
    return here == null ? instead(key, result) : here;
  }

  /** The backup answers for a home that could not be asked, not for one that could not tell. */
  private boolean isAbsent(Key key, FetchResult result) {
    boolean isHomeSilent =
        result instanceof FetchResult.Unreachable
            || (result instanceof FetchResult.NotHeld notHeld && !notHeld.byHome());
    return result instanceof FetchResult.Absent || (isHomeSilent && replicator.answersFor(key));
  }

  /** What there is where the newest value cannot be had. */
  private ReadOutcome instead(Key key, FetchResult result) {
    MetadataRecord there = result instanceof FetchResult.Superseded older ? older.record() : null;
    MetadataRecord older = tiers.newestOlder(key, there);
    ReadOutcome.Unreachable unreachable = unreachable(result);
    Header newest = older == null ? null : store.header(key);
    if (older != null && newest != null && KeyIndex.isSameWrite(older.header(), newest)) {
      // Whoever gave it knows of a newer one; this region does not.
      return new ReadOutcome.Value(older.withHeader(newest), Outcome.REMOTE);
    }
    return older == null ? unreachable : new ReadOutcome.Superseded(older, unreachable.why());
  }

  static ReadOutcome.Unreachable unreachable(FetchResult result) {
    return new ReadOutcome.Unreachable(
        result instanceof FetchResult.Unreachable unreachable
            ? unreachable.why()
            : "no region that could be asked holds its payload");
  }

  /**
   * Makes a record that another region gave the state of this node, if it is news here.
   *
   * @param fill takes it into the hot tier, once it can be shown
   */
  CompletionStage<ReadOutcome> takeOver(MetadataRecord record, Consumer<MetadataRecord> fill) {
    Key key = record.key();
    boolean keep = replicator.isToHold(region, key);
    boolean isCurrent = store.isCurrent(key, record.header().version().dot());
    CompletionStage<?> stored;
    if (!isCurrent) {
      stored = store.applyOne(new Inbound(record, keep));
    } else if (keep && record.payload() != null) {
      stored = store.keep(record);
    } else {
      stored = CompletableFuture.completedFuture(true);
    }
    return stored.handle(
        (done, failure) -> failure == null ? shown(record, fill) : unstored(record, failure));
  }

  private ReadOutcome shown(MetadataRecord arrived, Consumer<MetadataRecord> fill) {
    ReadOutcome newer = newerThan(arrived);
    if (newer != null) {
      return newer;
    }
    MetadataRecord record = tiers.asKnownHere(arrived);
    if (!record.header().isVisibleAt(clock.wallMs())) {
      // A deletion that is not taken yet may not hide what the next read would show again.
      return store.isCurrent(record.key(), record.header().version().dot())
          ? new ReadOutcome.Absent(true)
          : new ReadOutcome.Unreachable("what is newer is not taken here yet");
    }
    tiers.replaceOlder(record, false);
    fill.accept(record);
    return new ReadOutcome.Value(record, Outcome.REMOTE);
  }

  /** What index or disk does not take is read all the same, each time from there. */
  private ReadOutcome unstored(MetadataRecord record, Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (!(cause instanceof IndexFullException || cause instanceof StorageException)) {
      throw new CompletionException(cause);
    }
    ReadOutcome outcome = tiers.readable(record, Outcome.REMOTE);
    return outcome == null
        ? new ReadOutcome.Unreachable("its payload did not come along")
        : outcome;
  }

  /** What is known here instead by now, if that can be told without asking again. */
  private @Nullable ReadOutcome newerThan(MetadataRecord arrived) {
    return store.isCurrent(arrived.key(), arrived.header().version().dot())
        ? null
        : tiers.readable(store.read(arrived.key()), Outcome.REMOTE);
  }
}
