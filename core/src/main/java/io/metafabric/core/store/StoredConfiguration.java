package io.metafabric.core.store;

import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry.Configured;
import org.jspecify.annotations.Nullable;

/** Which configuration this node holds, and where its journal says so. Thread-safe. */
final class StoredConfiguration {
  private volatile Configured published = Configured.INITIAL;
  private volatile Configured decided = Configured.INITIAL;
  private @Nullable FrameLocation at;

  Configured published() {
    return published;
  }

  /** Published, or on its way there. */
  Configured decided() {
    return decided;
  }

  /** Returns whether it comes after what is held; it counts from now on unless the disk refuses. */
  synchronized boolean decide(Configured next) {
    boolean same = next.configuration().equals(decided.configuration());
    boolean later = next.configuration().follows(decided.configuration());
    if (!later && !(same && next.filled() && !decided.filled())) {
      return false;
    }
    decided = next;
    return true;
  }

  synchronized void refused() {
    decided = published;
  }

  synchronized void journaled(Configured entry, FrameLocation where) {
    FrameLocation before = at;
    if (before != null) {
      before.markDead();
    }
    where.markLive();
    restore(entry, where);
  }

  /** It is where a hint says, and counted there. */
  synchronized void restore(Configured entry, FrameLocation where) {
    at = where;
    published = entry;
    if (entry.configuration().epoch() >= decided.configuration().epoch()) {
      decided = entry;
    }
  }

  synchronized @Nullable FrameLocation at() {
    return at;
  }

  /** Whether the journal's frame there is the one that counts. */
  synchronized boolean isAt(long position) {
    return at != null && at.position() == position;
  }

  synchronized void moved(FrameLocation from, FrameLocation to) {
    if (at != null && at.isSameAs(from)) {
      at = to;
    } else {
      to.markDead();
    }
  }
}
