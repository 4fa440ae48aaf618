package io.metafabric.core.journal;

/** Knows which entries are part of the present state. Called by the compacting thread. */
public interface Liveness {
  /** Whether the frame at {@code at} is still needed. */
  boolean isLive(JournalEntry entry, FrameLocation at);

  /**
   * The frame, which is accounted for as live, can be read at {@code to} from now on, and soon only
   * there. Marks it as dead if it has become so meanwhile.
   */
  void moved(JournalEntry entry, FrameLocation from, FrameLocation to);
}
