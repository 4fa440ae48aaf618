package io.metafabric.core.store;

import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.Liveness;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What compaction and backups must keep of a store's journal. Thread-safe.
 *
 * @param index guarded by itself, as are the others
 * @param held what is not applied yet
 * @param configured which configuration is held
 * @param openings whose last writes stay, and whose writes stay that others have hidden
 * @param neededAfter peers still need every entry behind this position
 * @param region whose openings these are
 * @param isNewest whether nothing has been published with a later stamp
 * @param isMerged whether no header of a key goes to peers without its payload
 */
record StoreLiveness(
    KeyIndex index,
    AppliedPrefixes applied,
    HeldChanges held,
    AcknowledgedNotes acknowledged,
    StoredConfiguration configured,
    Openings openings,
    LongSupplier neededAfter,
    RegionName region,
    Predicate<Stamp> isNewest,
    Predicate<Key> isMerged)
    implements Liveness {

  @Override
  public @Nullable JournalEntry kept(JournalEntry entry, long position) {
    if (entry instanceof JournalEntry.Stored stored) {
      return kept(stored, position);
    }
    if (entry instanceof JournalEntry.Applied prefix) {
      return isInPlaceOfLast(prefix, position) || applied.isAt(prefix.actor(), position)
          ? entry
          : null;
    }
    if (entry instanceof JournalEntry.Held range) {
      return held.isLive(range, position) ? entry : null;
    }
    if (entry instanceof JournalEntry.Acknowledged by) {
      return acknowledged.isAt(by.peer(), position) ? entry : null;
    }
    if (entry instanceof JournalEntry.Configured) {
      return configured.isAt(position) ? entry : null;
    }
    return entry instanceof JournalEntry.Opened ? entry : null;
  }

  /**
   * Beside what the index points at: everything with the key's present dot, because a peer's stream
   * relies on finding each dot where it was first written; the payload of an older write that is
   * shown until the present one's can be read; the header of a write of ours that lost to another
   * region's, until every peer has heard of it and joined it to its context, and where values are
   * merged all of it, because what it hides at a peer may be nowhere else; and the counter of an
   * actor's newest write, even when that has been replaced, and what has the newest stamp, even
   * when it is forgotten. A write that we replaced ourselves is in the context of what replaced it.
   */
  private @Nullable JournalEntry kept(JournalEntry.Stored stored, long position) {
    Key key = stored.record().key();
    Dot dot = stored.record().header().version().dot();
    if (index.isCurrent(key, dot) || isSibling(key, dot) || hasOwnThatIsLive(stored)) {
      return stored;
    }
    if (stored.record().payload() != null && index.isSuperseded(key, dot)) {
      return stored;
    }
    boolean isLast = isNewestOwn(dot);
    boolean isSent = position > neededAfter.getAsLong();
    if (isSent && isMerged.test(key) && (isLast || lost(key, dot))) {
      return stored;
    }
    if (isNewest.test(stored.record().header().version().stamp())) {
      return new JournalEntry.Stored(stored.record().withoutPayload());
    }
    if (isSent) {
      return isLast || lost(key, dot)
          ? new JournalEntry.Stored(stored.record().withoutPayload())
          : null;
    }
    return isLast ? new JournalEntry.Applied(region, dot.actor(), dot.counter()) : null;
  }

  @Override
  public boolean isForgotten(JournalEntry entry) {
    if (!(entry instanceof JournalEntry.Stored stored)) {
      return false;
    }
    return mayBeDead(stored.record()) && index.header(stored.record().key()) == null;
  }

  private static boolean mayBeDead(MetadataRecord record) {
    if (!mayBeDead(record.header())) {
      return false;
    }
    for (Sibling each : record.siblings()) {
      if (!mayBeDead(each.header())) {
        return false;
      }
    }
    return true;
  }

  private static boolean mayBeDead(Header header) {
    return header.isTombstone() || header.expiresAtMs() != Header.NEVER;
  }

  @Override
  public boolean isReplaced(JournalEntry entry) {
    if (!(entry instanceof JournalEntry.Stored stored)) {
      return false;
    }
    MetadataRecord record = stored.record();
    return !index.isCurrent(record.key(), record.header().version().dot())
        || !hasTheSiblings(record, index.siblingsOf(record.key()));
  }

  private static boolean hasTheSiblings(MetadataRecord record, long[] dots) {
    boolean same = dots.length == 2 * record.siblings().size();
    for (int i = 0; same && i < dots.length; i += 2) {
      Dot dot = record.siblings().get(i / 2).header().version().dot();
      same = dot.actor().id() == dots[i] && dot.counter() == dots[i + 1];
    }
    return same;
  }

  /** What is left of an actor's last write stands where that was written, for the replay. */
  private boolean isInPlaceOfLast(JournalEntry.Applied prefix, long position) {
    // A repair writes that nothing is applied, which is no dot.
    return prefix.counter() > 0
        && openings.newest(prefix.actor()) == prefix.counter()
        && prefix.actor().equals(openings.at(position));
  }

  private boolean isNewestOwn(Dot dot) {
    return openings.newest(dot.actor()) == dot.counter();
  }

  /**
   * A write of ours may have been journaled first as a sibling of what is behind it by now. Which
   * of several frames was the first cannot be told any more: all stay, until the conflict is
   * closed.
   */
  private boolean hasOwnThatIsLive(JournalEntry.Stored stored) {
    Key key = stored.record().key();
    for (Sibling each : stored.record().siblings()) {
      Dot dot = each.header().version().dot();
      boolean live = isNewestOwn(dot) || index.isCurrent(key, dot) || isSibling(key, dot);
      if (live && openings.isOwn(dot.actor())) {
        return true;
      }
    }
    return false;
  }

  private boolean isSibling(Key key, Dot dot) {
    long[] dots = index.siblingsOf(key);
    for (int i = 0; i < dots.length; i += 2) {
      if (dots[i] == dot.actor().id() && dots[i + 1] == dot.counter()) {
        return true;
      }
    }
    return false;
  }

  private boolean lost(Key key, Dot dot) {
    if (!openings.isOwn(dot.actor())) {
      return false;
    }
    Header current = index.header(key);
    return current != null && !openings.isOwn(current.version().dot().actor());
  }

  @Override
  public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {
    if (entry instanceof JournalEntry.Stored stored) {
      boolean named = index.moved(stored.record().key(), from, to);
      // Of what the index names, whoever publishes next says that it is dead.
      if (!named && !isForgotten(stored)) {
        if (kept(stored, to.position()) == null) {
          to.markDead();
        } else {
          to.markHeld();
        }
      }
    } else if (entry instanceof JournalEntry.Opened opened) {
      openings.moved(opened, to);
    } else if (entry instanceof JournalEntry.Held range) {
      held.moved(range, from, to);
    } else if (entry instanceof JournalEntry.Applied prefix) {
      boolean counts = applied.moved(prefix.actor(), from, to);
      if (!counts && !isInPlaceOfLast(prefix, to.position())) {
        to.markDead();
      }
    } else if (entry instanceof JournalEntry.Configured) {
      configured.moved(from, to);
    } else if (entry instanceof JournalEntry.Acknowledged by) {
      acknowledged.moved(by, from, to);
    }
  }
}
