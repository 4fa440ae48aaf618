package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;

/**
 * What is forgotten here, and is present elsewhere all the same: a region was given an older disk,
 * or lacks what nobody has any more. Makes regions alike again. Has no state; belongs to whoever
 * holds the lock of the decisions.
 */
final class ForgottenReturns {
  private final RegionName region;
  private final Decisions decisions;
  private final CompletePrefixes complete;
  private final Forgotten forgotten;
  private final InboundJoin join;
  private final ConflictRules rules;
  private final Clock clock;

  ForgottenReturns(
      StoreConfig config,
      Decisions decisions,
      CompletePrefixes complete,
      Forgotten forgotten,
      InboundJoin join,
      Clock clock) {
    this.region = config.region();
    this.decisions = decisions;
    this.complete = complete;
    this.forgotten = forgotten;
    this.join = join;
    this.rules = config.conflicts().rules();
    this.clock = clock;
  }

  /**
   * What is dead and forgotten here is kept by a peer, since it had seen there what is not applied
   * here: nobody may have that any more, and nobody could forget what names it. It is known here
   * again, so that the two do not differ for ever; if all come to have what it had seen, all forget
   * it.
   */
  boolean keepDead(Inbound inbound, Staged.Completion done) {
    MetadataRecord record = inbound.record();
    Header header = record.header();
    boolean isKept =
        !rules.of(record.key()).keepsSiblings()
            && !header.isVisibleAt(clock.wallMs())
            && !complete.isAllApplied(header.version().context())
            && !decisions.isUndecided(record.key())
            && forgotten.wasForgotten(record);
    if (isKept) {
      join.stageUnknown(record.alone(), inbound.keepPayload(), done);
    }
    return isKept;
  }

  /**
   * What was deleted, and forgotten everywhere, is some region's present state again: it was given
   * an older disk, and nobody has the deletion any more. A new one covers what is left, and loses
   * to all that was written since, as the old one did.
   */
  boolean deleteAgain(MetadataRecord record, Staged.Completion done) {
    Key key = record.key();
    if (decisions.isUndecided(key) || !forgotten.wasForgotten(record)) {
      return false;
    }
    Header known = decisions.newestHeader(key);
    VersionVector context = known == null ? VersionVector.EMPTY : known.version().asContext();
    var dots = new ArrayList<Dot>();
    Stamp newest = known == null ? new Stamp(0) : known.version().stamp();
    boolean isVisible = false;
    for (Sibling each : record.versions()) {
      Version found = each.header().version();
      context = context.merge(found.asContext());
      dots.add(found.dot());
      newest = found.stamp().compareTo(newest) > 0 ? found.stamp() : newest;
      isVisible |= each.header().isVisibleAt(clock.wallMs());
    }
    if (!isVisible) {
      return false; // whoever has it forgets it as well: all that it had seen is applied
    }
    if (known != null) {
      dots.add(known.version().dot());
    }
    context = WriterContext.orDots(context, dots, VersionVector.EMPTY);
    var version = new Version(decisions.nextDot(), context, newest.next());
    var deletion = new MetadataRecord(key, Header.tombstone(version, region), null);
    decisions.countWrite();
    decisions.stage(
        new JournalEntry.Stored(deletion),
        known == null ? null : known.version().dot(),
        false,
        new Published(deletion, true),
        RecordCodec.estimatedBytes(deletion),
        done);
    return true;
  }
}
