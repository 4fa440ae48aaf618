package io.metafabric.core.index;

import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records that slots name. Has no state of its own. Thread-safe.
 *
 * <p>Compaction may have moved a frame since its slot was looked at; who is told so looks again.
 */
final class NamedFrames {
  /** Thrown and caught in this package alone, seldom; has no stack trace. */
  static final class FrameMovedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    FrameMovedException() {
      super("a frame was moved", null, false, false);
    }
  }

  private final FrameTable frames;

  NamedFrames(FrameTable frames) {
    this.frames = frames;
  }

  /**
   * @param first word of a slot
   */
  MetadataRecord recordAt(long first) {
    return stored(frames.read(SlotWords.placeOf(first))).record();
  }

  MetadataRecord recordAt(long first, Key expected) {
    return storedAt(first, expected).record();
  }

  JournalEntry.Stored storedAt(long first, Key expected) {
    return stored(frames.read(SlotWords.placeOf(first), expected));
  }

  /** Null if it is not there any more. */
  @Nullable MetadataRecord recordIfAt(long first) {
    return frames.read(SlotWords.placeOf(first)) instanceof JournalEntry.Stored stored
        ? stored.record()
        : null;
  }

  private static JournalEntry.Stored stored(@Nullable JournalEntry entry) {
    if (entry instanceof JournalEntry.Stored stored) {
      return stored;
    }
    if (entry == null) {
      throw new FrameMovedException();
    }
    throw new IllegalStateException("the index names " + entry + ", which is not a record");
  }
}
