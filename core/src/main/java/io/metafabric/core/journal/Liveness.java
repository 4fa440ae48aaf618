package io.metafabric.core.journal;

import org.jspecify.annotations.Nullable;

/** Knows which entries are part of the present state. Called by the compacting thread. */
public interface Liveness {
  /** What of an entry is still needed: all of it, less, or nothing (null). */
  @Nullable JournalEntry kept(JournalEntry entry, long position);

  /**
   * The frame, which is accounted for as live, can be read at {@code to} from now on, and soon only
   * there. Marks it as dead if it has become so meanwhile, as held if it is kept for readers alone.
   */
  void moved(JournalEntry entry, FrameLocation from, FrameLocation to);
}
