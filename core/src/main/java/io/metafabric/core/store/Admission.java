package io.metafabric.core.store;

import io.metafabric.core.error.EvictedException;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Which regions the configuration that this node holds admits, and how it takes a later one. {@link
 * StoredConfiguration} has the state; what is decided on is so under the lock of the decisions,
 * which {@link #configure} takes itself.
 */
final class Admission {
  private final RegionName region;
  private final StoredConfiguration configured;
  private final HeldChanges held;
  private final Decisions decisions;
  private final LostVersions lost;

  Admission(
      RegionName region,
      StoredConfiguration configured,
      HeldChanges held,
      Decisions decisions,
      LostVersions lost) {
    this.region = region;
    this.configured = configured;
    this.held = held;
    this.decisions = decisions;
    this.lost = lost;
  }

  /**
   * Whether this region may write.
   *
   * @throws EvictedException if not
   */
  void require() {
    JournalEntry.Configured now = configured.decided();
    if (!now.admits(region)) {
      throw new EvictedException(
          "region "
              + region
              + " was evicted ("
              + now.configuration()
              + "), and writes nothing; write in another region, or call readmit(\""
              + region
              + "\") there and let this one be filled anew");
    }
  }

  /**
   * Whether a region was taken in again since: its state of before is exported, or about to be. The
   * links to it end only once that is durable and known to the loop.
   */
  boolean isGivenUp(RegionName from, long since) {
    return configured.decided().configuration().since(from) > since;
  }

  /** See {@link RecordStore#configure}. */
  CompletableFuture<Boolean> configure(JournalEntry.Configured next) {
    var future = new CompletableFuture<Boolean>();
    synchronized (decisions) {
      decisions.requireOpen();
      Configuration before = configured.decided().configuration();
      if (!configured.decide(next)) {
        future.complete(false);
        return future;
      }
      List<MetadataRecord> dropped = dropHeldOfReadmitted(before, next);
      Staged.Completion told = Staged.Completion.completing(future, true);
      decisions.stageNote(
          next,
          failure -> {
            if (failure == null) {
              dropped.forEach(lost::logDropped);
            } else {
              configured.refused();
            }
            told.done(failure);
          });
    }
    decisions.commit();
    return future;
  }

  /**
   * A region that comes back has said what nobody had acknowledged, and what was held of that is
   * not to appear behind its back, when its payload is gone with its directory. Which of its
   * openings were before the configuration is not in the journal: what is dropped when this
   * directory is opened may be of today, and comes again.
   *
   * @return what was dropped
   */
  List<MetadataRecord> dropHeldOfReadmitted(Configuration before, JournalEntry.Configured now) {
    Configuration next = now.configuration();
    return held.drop(each -> next.isMember(each) && next.since(each) > before.since(each));
  }
}
