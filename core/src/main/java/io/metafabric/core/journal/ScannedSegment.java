package io.metafabric.core.journal;

import java.util.ArrayList;
import java.util.List;

/**
 * What is found when a segment's file is read from front to end, and what can be told from that to
 * be missing. Not thread-safe.
 */
final class ScannedSegment {
  private static final long NONE = 0;

  private final SegmentName name;
  private final long bytes;
  private final boolean isTornCreation;
  private final List<JournalFiles.Damage> damages = new ArrayList<>();
  private long frames;
  private long firstPosition = NONE;
  private long lastPosition = NONE;
  private long sealedTo = NONE;
  private long saidEnd = NONE;

  /** Which position is next in a segment as it was written; unknown behind damage. */
  private long due;

  /**
   * @param isTornCreation whether its creation was cut short: nothing was in it
   */
  ScannedSegment(SegmentName name, long bytes, boolean isTornCreation) {
    this.name = name;
    this.bytes = bytes;
    this.isTornCreation = isTornCreation;
    this.due = name.firstPosition();
  }

  void good(JournalFrame frame) {
    if (sealedTo != NONE) {
      addDamage(frame.offset(), frame.endOffset(), "it is behind the seal");
    }
    if (frame.entry() instanceof JournalEntry.Sealed sealed) {
      if (!isCompacted()) {
        addDamage(frame.offset(), frame.endOffset(), "the seal of a compacted segment is here");
      } else if (damages.isEmpty()
          && (sealed.frames() != frames || (saidEnd != NONE && frame.position() != saidEnd))) {
        addDamage(frame.offset(), frame.endOffset(), "the seal of a compacted segment is wrong");
      }
      sealedTo = frame.position();
      return;
    }
    if (!isCompacted() && due != NONE && frame.position() != due) {
      addMissing(frame.offset(), due, frame.position() - 1);
    }
    frames++;
    firstPosition = firstPosition == NONE ? frame.position() : firstPosition;
    lastPosition = frame.position();
    due = lastPosition + 1;
  }

  /** What the header of a compacted segment says of where it ends. */
  void endsAt(long position) {
    saidEnd = position;
  }

  void damaged(long fromOffset, long toOffset, String why) {
    due = NONE;
    addDamage(fromOffset, toOffset, why);
  }

  private void addDamage(long fromOffset, long toOffset, String why) {
    damages.add(new JournalFiles.Damage(name.file(), fromOffset, toOffset, why));
  }

  private void addMissing(long offset, long from, long to) {
    addDamage(offset, offset, "positions " + from + " to " + to + " are missing");
  }

  List<JournalFiles.Damage> damages() {
    return damages;
  }

  private boolean isCompacted() {
    return name.generation() > 0;
  }

  private boolean isUnfinishedBeside(ScannedSegment next) {
    return isCompacted() && sealedTo == NONE && next.name.firstPosition() == name.firstPosition();
  }

  /** The position behind all that it accounts for. */
  private long end() {
    if (isCompacted() && sealedTo != NONE) {
      return sealedTo;
    }
    return Math.max(name.firstPosition(), lastPosition + 1);
  }

  /**
   * Adds what is missing as a whole: files, their ends, and what the mark says was durable.
   *
   * @param all in order, which is that of their names
   */
  static void addMissing(List<ScannedSegment> all, long markedDurable) {
    long next = 1;
    for (int i = 0; i < all.size(); i++) {
      ScannedSegment each = all.get(i);
      boolean last = i + 1 == all.size();
      if ((!last && each.isUnfinishedBeside(all.get(i + 1))) || (last && each.isTornCreation)) {
        // The next opening deletes it.
        continue;
      }
      if (each.name.firstPosition() > next) {
        each.addMissing(0, next, each.name.firstPosition() - 1);
      }
      if (each.isTornCreation) {
        // Something was created after it: it had a header once.
        each.addDamage(0, each.bytes, Segment.DAMAGED_HEADER);
      }
      if (each.isCompacted() && each.sealedTo == NONE) {
        each.addDamage(each.bytes, each.bytes, "the end of a compacted segment is missing");
      }
      next = Math.max(next, each.end());
    }
    if (all.isEmpty()) {
      return;
    }
    List<JournalFiles.Damage> atTheEnd = all.get(all.size() - 1).damages;
    if (markedDurable == DurableMark.UNFINISHED) {
      atTheEnd.add(
          new JournalFiles.Damage(
              DurableMark.NAME, 0, 0, "it says that this is a copy that was not finished"));
    } else if (markedDurable >= next) {
      atTheEnd.add(
          new JournalFiles.Damage(
              DurableMark.NAME,
              0,
              0,
              "positions " + next + " to " + markedDurable + " were durable, and are missing"));
    }
  }

  JournalFiles.Report report(long payloads) {
    return new JournalFiles.Report(
        name.file(),
        bytes,
        isCompacted(),
        frames,
        payloads,
        firstPosition,
        lastPosition,
        List.copyOf(damages));
  }
}
