package io.metafabric.core.journal;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The frames of a journal by their places, which are numbers that an index outside of the heap can
 * hold. Thread-safe.
 */
public final class FrameTable {
  private static final int INITIAL = 64;

  private volatile AtomicReferenceArray<@Nullable Segment> segments =
      new AtomicReferenceArray<>(INITIAL);

  private final FrameCache cache;

  // Guarded by this.
  private int nextNumber = 1;
  private int nextIdentity = 1;

  /** Of a journal that is always read from its files. */
  public FrameTable() {
    this(0);
  }

  /**
   * @param cacheBytes memory outside of the heap for frames that were read of late, about
   */
  public FrameTable(long cacheBytes) {
    cache = new FrameCache(cacheBytes);
  }

  /** Numbers go round, so that a place that somebody has just read does not get a new meaning. */
  synchronized void add(Segment segment) {
    for (int tries = 0; tries < FramePlace.MAX_SEGMENTS; tries++) {
      int number = nextNumber;
      nextNumber = number + 1 == FramePlace.MAX_SEGMENTS ? 1 : number + 1;
      if (number >= segments.length()) {
        lengthen();
      }
      if (segments.get(number) == null) {
        segment.number = number;
        segment.identity = nextIdentity++;
        segments.set(number, segment);
        return;
      }
    }
    throw new StorageException(
        "the journal has more than "
            + FramePlace.MAX_SEGMENTS
            + " segments; open it with a larger segmentBytes");
  }

  /** Gives a segment the number that it had when an index was saved. */
  synchronized void restore(Segment segment, int number) {
    while (number >= segments.length()) {
      lengthen();
    }
    segment.number = number;
    segment.identity = nextIdentity++;
    segments.set(number, segment);
    nextNumber = Math.max(nextNumber, number + 1 == FramePlace.MAX_SEGMENTS ? 1 : number + 1);
  }

  private void lengthen() {
    AtomicReferenceArray<@Nullable Segment> old = segments;
    var longer = new AtomicReferenceArray<@Nullable Segment>(2 * old.length());
    for (int i = 0; i < old.length(); i++) {
      longer.set(i, old.get(i));
    }
    segments = longer;
  }

  synchronized void remove(Segment segment) {
    segments.set(segment.number, null);
  }

  private @Nullable Segment segment(long place) {
    AtomicReferenceArray<@Nullable Segment> all = segments;
    int number = FramePlace.segment(place);
    return number < all.length() ? all.get(number) : null;
  }

  /**
   * Reads one entry again, and checks it.
   *
   * @param place of a frame that was there
   * @return null if compaction has moved it: whoever gave the place knows the new one
   * @throws io.metafabric.core.error.CorruptJournalException if it is damaged
   */
  public @Nullable JournalEntry read(long place) {
    Segment segment = segment(place);
    if (segment == null) {
      return null;
    }
    try {
      return segment.readFrame(FramePlace.offset(place), FramePlace.maxLengthBytes(place)).entry();
    } catch (StorageException e) {
      if (segment.isRetired()) {
        return null;
      }
      throw e;
    }
  }

  /**
   * The same for a reader of one record, which others may want too: kept in memory for a while.
   *
   * @param expected whose record it is, most likely
   */
  public @Nullable JournalEntry read(long place, Key expected) {
    Segment segment = segment(place);
    if (segment == null) {
      return null;
    }
    long offset = FramePlace.offset(place);
    long name = segment.nameOfFrame(offset);
    ByteBuffer kept = cache.get(name);
    if (kept != null) {
      return segment.decode(kept, offset, expected).entry();
    }
    try {
      ByteBuffer bytes = segment.readBytes(offset, FramePlace.maxLengthBytes(place));
      JournalEntry entry = segment.decode(bytes, offset, expected).entry();
      cache.add(name, bytes);
      return entry;
    } catch (StorageException e) {
      if (segment.isRetired()) {
        return null;
      }
      throw e;
    }
  }

  /** Memory of the frames that were read of late. */
  public long cacheBytes() {
    return cache.bytes();
  }

  /** {@link #cacheBytes} is never more. */
  public long maxCacheBytes() {
    return cache.maxBytes();
  }

  /**
   * Where a frame is of which an index that was saved has the place.
   *
   * @param position the frame's, which the place does not tell
   * @throws io.metafabric.core.error.WireFormatException if there is no such segment
   */
  public FrameLocation locate(long place, long position) {
    Segment segment = segment(place);
    if (segment == null) {
      throw new WireFormatException("there is no segment " + FramePlace.segment(place));
    }
    return new FrameLocation(
        segment, FramePlace.offset(place), FramePlace.maxLengthBytes(place), position);
  }

  /**
   * The frame is part of the present state.
   *
   * @return false if there is no such segment
   */
  public boolean markLive(long place) {
    Segment segment = segment(place);
    if (segment == null || FramePlace.offset(place) >= segment.endOffset()) {
      return false;
    }
    segment.addLiveBytes(FramePlace.maxLengthBytes(place));
    return true;
  }

  /** The length of a frame, or a little more. */
  public static int maxLengthBytes(long place) {
    return FramePlace.maxLengthBytes(place);
  }

  /** The frame is part of the present state no more. */
  public void markDead(long place) {
    Segment segment = segment(place);
    if (segment != null) {
      segment.addLiveBytes(-FramePlace.maxLengthBytes(place));
    }
  }
}
