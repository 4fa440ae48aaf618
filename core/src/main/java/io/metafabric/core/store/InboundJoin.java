package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecentVersions.Seen;
import io.metafabric.core.version.Dot;
import org.jspecify.annotations.Nullable;

/**
 * Joins one record that another region has sent with what is known of its key, published or not,
 * and stages what the key becomes by that. Belongs to whoever holds the lock of the decisions.
 */
final class InboundJoin {
  private final KeyIndex index;
  private final StoreViews views;
  private final Decisions decisions;
  private final CompletePrefixes complete;
  private final Forgotten forgotten;
  private final SettledContexts settled;
  private final LostVersions lost;
  private final ConflictRules rules;
  private final int maxValueBytes;

  private long dotCollisions;
  private long duplicates;

  InboundJoin(
      StoreConfig config,
      KeyIndex index,
      StoreViews views,
      Decisions decisions,
      CompletePrefixes complete,
      Forgotten forgotten,
      SettledContexts settled,
      LostVersions lost) {
    this.index = index;
    this.views = views;
    this.decisions = decisions;
    this.complete = complete;
    this.forgotten = forgotten;
    this.settled = settled;
    this.lost = lost;
    this.rules = config.conflicts().rules();
    this.maxValueBytes = config.maxValueBytes();
  }

  /** How often one dot had two payloads, or two versions had seen each other. */
  long dotCollisions() {
    return dotCollisions;
  }

  /** How many came of what is known to be past. */
  long duplicates() {
    return duplicates;
  }

  /**
   * Stages what a key becomes by this.
   *
   * @param done is told once it is published; not at all if it is no news
   * @return whether it is: if not, nothing is staged
   * @throws StorageException if what is known of the key cannot be read
   */
  boolean stageIfNews(Inbound inbound, Staged.Completion done) {
    if (rules.of(inbound.record().key()).keepsSiblings()) {
      return stageBeside(inbound, done);
    }
    MetadataRecord record = inbound.record().alone();
    Header theirs = record.header();
    decisions.observe(theirs.version().stamp());
    Staged undecided = decisions.undecided(record.key());
    Seen seen = undecided == null ? decisions.lately(record.key()) : null;
    if (seen != null && theirs.version().context().containsAll(seen.context())) {
      // Its writer has seen all that is here, so joining changes nothing: the usual case, in which
      // the journal need not be read.
      stageInbound(seen.dot(), false, record, inbound.keepPayload(), done);
      return true;
    }
    Header ours = undecided == null ? views.header(record.key()) : undecided.header();
    if (ours == null && isOfThePast(record)) {
      duplicates++;
      return false;
    }
    if (ours == null) {
      stageUnknown(record, inbound.keepPayload(), done);
      return true;
    }
    if (forgotten.hasOutlived(theirs, ours)) {
      duplicates++;
      return false;
    }
    Header joined = LastWriterWins.join(settled.toJoin(record.key(), ours, theirs), theirs);
    boolean sameDot = ours.version().dot().equals(theirs.version().dot());
    boolean samePayload = ours.payloadCrc32c() == theirs.payloadCrc32c();
    if ((sameDot && !samePayload)
        || LastWriterWins.sawEachOther(ours.version(), theirs.version())) {
      dotCollisions++;
    }
    boolean theirsWon =
        joined.version().dot().equals(theirs.version().dot())
            && joined.payloadCrc32c() == theirs.payloadCrc32c();
    boolean concurrent =
        !sameDot
            && !ours.version().covers(theirs.version().dot())
            && !theirs.version().covers(ours.version().dot());
    Staged.Completion published =
        concurrent ? lost.logged(lost.lost(record, ours, theirsWon), done) : done;
    boolean bringsPayload = record.payload() != null && inbound.keepPayload();
    boolean payloadIsNews =
        sameDot && samePayload && bringsPayload && !index.holdsPayload(record.key());
    if (theirsWon && (!sameDot || !samePayload || payloadIsNews)) {
      stageInbound(
          ours.version().dot(),
          KeyIndex.isSameWrite(ours, joined),
          record.withHeader(joined),
          inbound.keepPayload(),
          published);
      return true;
    }
    boolean removesMore = theirs.isTombstone() && removesMore(record.key(), theirs, ours);
    if (removesMore || !joined.equals(ours)) {
      Dot since = removesMore ? theirs.version().dot() : decisions.since(record.key(), joined);
      var stored = new JournalEntry.Stored(new MetadataRecord(record.key(), joined, null), since);
      stageInbound(
          ours.version().dot(),
          KeyIndex.isSameWrite(ours, joined),
          stored.record(),
          stored,
          published);
      return true;
    }
    return false;
  }

  /**
   * Whether what nothing is known of here was news once, and has been deleted and forgotten since.
   * Nobody ever deletes the fabric's own: such a record was lost here, and is news again. A
   * deletion of a moved home would have regions go on with the homes that they happen to know.
   */
  private boolean isOfThePast(MetadataRecord record) {
    return !record.key().isSystem() && complete.isApplied(record.header().version().dot());
  }

  /** What is known and what came are kept beside each other, unless one had seen the other. */
  private boolean stageBeside(Inbound inbound, Staged.Completion done) {
    inbound.record().versions().forEach(each -> decisions.observe(each.header().version().stamp()));
    MetadataRecord ours = decisions.newestRecord(inbound.record().key());
    MetadataRecord theirs = forgotten.withoutThePast(inbound.record(), ours);
    if (theirs == null) {
      duplicates++;
      return false;
    }
    if (ours == null) {
      stageUnknown(theirs, inbound.keepPayload(), done);
      return true;
    }
    if (Siblings.collide(ours, theirs)) {
      dotCollisions++;
    }
    MetadataRecord toKeep = inbound.keepPayload() ? theirs : theirs.withoutPayload();
    MetadataRecord kept = Siblings.join(ours, toKeep, maxValueBytes).record();
    Siblings.Joined shown = Siblings.join(ours, theirs, maxValueBytes);
    lost.logFallenOut(shown);
    if (kept.equals(ours)) {
      return false;
    }
    decisions.stageBeside(kept, ours, new Published(shown.record(), false), done);
    return true;
  }

  /**
   * Whether a remove that has lost to our write, or was covered by it, takes away what is shown in
   * place of that write's payload. That is kept in the journal: what was removed must not be shown
   * after a restart either. Of what is settled it need not say so.
   */
  private boolean removesMore(Key key, Header remove, Header ours) {
    if (ours.isTombstone()) {
      return false;
    }
    Dot since = decisions.since(key, ours);
    Dot removed = remove.version().dot();
    return since == null
        || (!since.equals(ours.version().dot())
            && !since.equals(removed)
            && (remove.version().covers(since) || settled.isApplied(since)));
  }

  /** Stages a record of a key of which nothing is known. */
  void stageUnknown(MetadataRecord record, boolean keepPayload, Staged.Completion done) {
    stageInbound(null, false, record, keepPayload, done);
  }

  private void stageInbound(
      @Nullable Dot before,
      boolean sameWrite,
      MetadataRecord record,
      boolean keepPayload,
      Staged.Completion done) {
    MetadataRecord kept = keepPayload ? record : record.withoutPayload();
    boolean isWhole = kept.payload() != null || before == null;
    Dot since = isWhole ? null : decisions.since(record.key(), kept.header());
    stageInbound(before, sameWrite, record, new JournalEntry.Stored(kept, since), done);
  }

  private void stageInbound(
      @Nullable Dot before,
      boolean sameWrite,
      MetadataRecord record,
      JournalEntry.Stored stored,
      Staged.Completion done) {
    decisions.stage(
        stored,
        before,
        sameWrite,
        new Published(record, false),
        RecordCodec.estimatedBytes(record),
        done);
  }
}
