package io.metafabric.core.store;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.SnapshotBatch;
import io.metafabric.core.journal.SnapshotToken;
import io.metafabric.core.record.MetadataRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Takes a snapshot of another directory over into a store, which may be in use: each record is
 * joined with what is there. An empty store becomes equal to the source as it was at the end. Not
 * thread-safe.
 */
public final class SnapshotFill {
  private final RecordStore store;
  private @Nullable SnapshotToken due;
  private CompletableFuture<?> last = CompletableFuture.completedFuture(null);

  /**
   * @param from what a call of {@link #apply} for the same store completed with; null to begin
   */
  public SnapshotFill(RecordStore store, @Nullable SnapshotToken from) {
    this.store = store;
    this.due = from;
  }

  /**
   * Takes the next batch over. There is no need to wait for the one before.
   *
   * @return completes once this and all batches before it are published, with the token from which
   *     to go on then. Where the store does not sync before it publishes, a power failure may lose
   *     some of what a token kept by the caller says is there: begin anew after that. Completes
   *     exceptionally if the store refuses, as do all later ones
   * @throws WireFormatException if these are not the bytes of the batch that is due; nothing of
   *     them was taken, and the right batch may follow
   */
  public CompletableFuture<SnapshotToken> apply(byte[] bytes) {
    SnapshotBatch batch = SnapshotBatch.decode(bytes);
    requireDue(batch.before());
    CompletableFuture<?> records = store.applyAll(inbound(batch.records()));
    due = batch.after();
    // The prefixes are true of all of the snapshot: not before all of it is here, nor without it.
    CompletableFuture<SnapshotToken> all =
        CompletableFuture.allOf(last, records)
            .thenCompose(published -> applyPrefixes(batch.applied()))
            .thenApply(published -> batch.after());
    last = all;
    return all;
  }

  private void requireDue(SnapshotToken before) {
    SnapshotToken expected = due;
    if (expected == null ? !before.isBeginning() : !before.equals(expected)) {
      throw new WireFormatException(
          "a snapshot's batch begins at "
              + before
              + ", but due is "
              + (expected == null ? "its first" : expected));
    }
  }

  private static List<Inbound> inbound(List<MetadataRecord> records) {
    var inbound = new ArrayList<Inbound>(records.size());
    for (MetadataRecord record : records) {
      inbound.add(new Inbound(record, true));
    }
    return inbound;
  }

  private CompletableFuture<?> applyPrefixes(List<JournalEntry.Applied> applied) {
    var done = new ArrayList<CompletableFuture<?>>();
    for (JournalEntry.Applied each : applied) {
      // What this very directory issued, it knows better.
      if (!store.isOwn(each.actor())) {
        var prefix = new AppliedPrefix(each.region(), each.actor(), each.counter());
        done.add(store.applyRange(0, List.of(), prefix));
      }
    }
    return CompletableFuture.allOf(done.toArray(CompletableFuture<?>[]::new));
  }
}
