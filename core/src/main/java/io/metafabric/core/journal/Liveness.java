package io.metafabric.core.journal;

/** Knows which entries are part of the present state. Called by the compacting thread. */
public interface Liveness {
  /** Whether the frame at {@code at} is still needed. */
  boolean isLive(JournalEntry entry, FrameLocation at);

  /**
   * The frame can be read at {@code to} from now on, and soon only there. Does nothing if it is no
   * longer live.
   */
  void moved(JournalEntry entry, FrameLocation from, FrameLocation to);
}
