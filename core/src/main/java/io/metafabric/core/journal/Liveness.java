package io.metafabric.core.journal;

import org.jspecify.annotations.Nullable;

/** Knows which entries are part of the present state. Called by the compacting thread. */
public interface Liveness {
  /** What of an entry is still needed: all of it, less, or nothing (null). */
  @Nullable JournalEntry kept(JournalEntry entry, long position);

  /**
   * Whether an entry that is not kept is a dead header which no view knows any more. It has to stay
   * for as long as anything older of its key may be in front of it, or a replay would bring that
   * back.
   */
  boolean isForgotten(JournalEntry entry);

  /** Whether an entry that is kept has been replaced: a replay that met it alone would be wrong. */
  boolean isReplaced(JournalEntry entry);

  /**
   * The frame, which is accounted for as live, can be read at {@code to} from now on, and soon only
   * there. Marks it as dead if it has become so meanwhile, as held if it is kept for readers alone.
   */
  void moved(JournalEntry entry, FrameLocation from, FrameLocation to);
}
