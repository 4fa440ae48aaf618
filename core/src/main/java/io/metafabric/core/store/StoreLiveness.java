package io.metafabric.core.store;

import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.Liveness;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What compaction and backups must keep of a store's journal. Thread-safe.
 *
 * @param index guarded by itself, as are the others
 * @param ownNewest the newest counter of each actor that was issued here
 * @param neededAfter peers still need every entry behind this position
 */
record StoreLiveness(
    Map<Key, IndexEntry> index,
    Map<ActorId, AppliedAt> applied,
    Set<ActorId> ownActors,
    Map<ActorId, Long> ownNewest,
    LongSupplier neededAfter)
    implements Liveness {

  @Override
  public @Nullable JournalEntry kept(JournalEntry entry, long position) {
    if (entry instanceof JournalEntry.Stored stored) {
      return kept(stored, position);
    }
    if (entry instanceof JournalEntry.Applied prefix) {
      synchronized (applied) {
        AppliedAt known = applied.get(prefix.actor());
        return known != null && known.prefix().counter() == prefix.counter() ? entry : null;
      }
    }
    return entry instanceof JournalEntry.Opened ? entry : null;
  }

  /**
   * Beside what the index points at: everything with the key's present dot, because a peer's stream
   * relies on finding each dot where it was first written; and the header of a write of ours that
   * lost to another region's, until every peer has heard of it and joined it to its context. A
   * write that we replaced ourselves is in the context of what replaced it.
   */
  private @Nullable JournalEntry kept(JournalEntry.Stored stored, long position) {
    Dot dot = stored.record().header().version().dot();
    Dot current = currentDot(stored.record().key());
    Long newest = ownNewest.get(dot.actor());
    if (dot.equals(current) || (newest != null && newest == dot.counter())) {
      return stored;
    }
    boolean lost =
        ownActors.contains(dot.actor()) && current != null && !ownActors.contains(current.actor());
    return lost && position > neededAfter.getAsLong()
        ? new JournalEntry.Stored(stored.record().withoutPayload())
        : null;
  }

  @Override
  public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {
    if (entry instanceof JournalEntry.Stored stored) {
      index.computeIfPresent(
          stored.record().key(),
          (key, indexed) -> indexed.isAt(from) ? indexed.moved(from, to) : indexed);
      if (kept(stored, to.position()) == null) {
        to.markDead();
      }
    } else if (entry instanceof JournalEntry.Applied prefix) {
      synchronized (applied) {
        applied.computeIfPresent(
            prefix.actor(),
            (actor, known) -> {
              if (!known.at().isSameAs(from)) {
                to.markDead();
                return known;
              }
              return new AppliedAt(known.prefix(), to);
            });
      }
    }
  }

  private @Nullable Dot currentDot(Key key) {
    IndexEntry entry = index.get(key);
    return entry == null ? null : entry.header().version().dot();
  }
}
