package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.port.Disk;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The append-only log of everything a node knows: the truth, of which all else is a view.
 *
 * <p>One thread at a time writes ({@link #append}, {@link #makeDurable}, {@link #publish}); any may
 * read. Every entry has a position, a sequence number that begins at 1. After a failed sync nothing
 * is accepted any more, because it is unknown what the disk has.
 */
public final class Journal implements AutoCloseable {
  /** Is told every entry when a journal is opened, in order. */
  @FunctionalInterface
  public interface Replay {
    void entry(JournalEntry entry, FrameLocation location);
  }

  private static final int KEEP_BUFFER_BYTES = 1 << 20;

  private static final int MIN_ALLOCATION = 256;
  private static final int MAX_ALLOCATION = 1 << 20;

  private final JournalConfig config;
  private final int allocationBytes;
  private final Disk disk;
  private final FrameTable frames;
  private final DurableMark mark;
  private final List<TornTail> tornTails;
  private final long replayedBytes;
  private final ByteWriter buffer = new ByteWriter(64 * 1024);

  // A failed sync is told once, and not to the next: one at a time, until the failure is noted.
  private final Object syncLock = new Object();

  // Replaced under its lock by whoever appends or compacts; readers take what they find.
  private final Object segmentsLock = new Object();
  private volatile List<Segment> segments;
  private volatile long keptFrom = 1;
  private volatile long publishedPosition;
  private volatile long announcedPosition;
  private volatile @Nullable StorageException failure;
  private volatile @Nullable JournalImage closedInOrder;
  private long nextPosition;
  private volatile long durablePosition;
  private final AtomicLong writtenBytes = new AtomicLong();
  private final AtomicLong appendedBytes = new AtomicLong();

  // Replaced, and perhaps still named by an index that could not be told.
  private final Set<Segment> retiring = ConcurrentHashMap.newKeySet();
  private final Set<Pin> pins = ConcurrentHashMap.newKeySet();

  /** Somebody needs every entry behind a position, within the bound on what is kept. */
  public final class Pin implements AutoCloseable {
    private final long position;

    private Pin(long position) {
      this.position = position;
    }

    public long position() {
      return position;
    }

    @Override
    public void close() {
      pins.remove(this);
    }
  }

  private Journal(
      JournalConfig config,
      Disk disk,
      FrameTable frames,
      DurableMark mark,
      JournalRecovery.Result found) {
    this.config = config;
    this.disk = disk;
    this.frames = frames;
    this.mark = mark;
    this.allocationBytes =
        (int) Math.max(MIN_ALLOCATION, Math.min(MAX_ALLOCATION, config.segmentBytes() / 16));
    this.segments = List.copyOf(found.segments());
    this.tornTails = List.copyOf(found.tornTails());
    this.replayedBytes = found.replayedBytes();
    this.nextPosition = found.nextPosition();
    this.publishedPosition = nextPosition - 1;
    this.announcedPosition = publishedPosition;
    // Whatever was read just now may be in the system's memory only.
    this.durablePosition = found.durablePosition();
    for (Segment segment : segments) {
      writtenBytes.addAndGet(segment.endOffset());
      if (segment.isCompacted()) {
        keptFrom = segment.endPosition();
      }
    }
  }

  /**
   * Opens the journal in {@code disk}, replays it, and cuts a torn tail off.
   *
   * @param frames of this journal alone; what has been replayed can be read through it
   * @throws CorruptJournalException if something that had been made durable is damaged or missing
   */
  public static Journal open(JournalConfig config, Disk disk, FrameTable frames, Replay replay) {
    var mark = new DurableMark(disk);
    try {
      JournalRecovery.Result found = new JournalRecovery(disk, mark.read(), frames, replay).run();
      return new Journal(config, disk, frames, mark, found);
    } catch (RuntimeException e) {
      mark.close();
      throw e;
    }
  }

  /**
   * Opens a journal of which everything is known, without reading it.
   *
   * @return null if it is not as the image says: something was written since, or is missing
   */
  public static @Nullable Journal open(
      JournalConfig config, Disk disk, FrameTable frames, JournalImage image) {
    var mark = new DurableMark(disk);
    try {
      // A longer journal was durable: a replay says what is missing.
      JournalRecovery.Result found =
          mark.read() > image.closedPosition() ? null : ImageCheck.restore(disk, frames, image);
      if (found != null) {
        return new Journal(config, disk, frames, mark, found);
      }
    } catch (RuntimeException e) {
      mark.close();
      throw e;
    }
    mark.close();
    return null;
  }

  /** What is known of a journal that has been closed in order; null of any other. */
  public @Nullable JournalImage image() {
    return closedInOrder;
  }

  /**
   * Writes entries; they are neither durable nor published by that.
   *
   * @throws StorageFullException if there is no room: then none was written, and later calls may
   *     succeed
   * @throws StorageException if writing failed: then the journal accepts nothing any more
   */
  public List<FrameLocation> append(List<JournalEntry> entries) {
    return append(entries, true);
  }

  /**
   * The same.
   *
   * @param syncFollows whether {@link #makeDurable} follows at once: room in advance makes that
   *     cheaper, and costs as much writing again
   */
  public List<FrameLocation> append(List<JournalEntry> entries, boolean syncFollows) {
    requireUsable();
    Segment segment = segmentForAppend();
    long offset = segment.endOffset();
    long position = nextPosition;
    var locations = new ArrayList<FrameLocation>(entries.size());
    buffer.reset(KEEP_BUFFER_BYTES);
    for (JournalEntry entry : entries) {
      int start = buffer.length();
      JournalFrame.encode(buffer, entry, position, durablePosition);
      int length = buffer.length() - start;
      locations.add(new FrameLocation(segment, offset + start, length, position));
      position++;
    }
    try {
      if (syncFollows) {
        segment.allocate(offset + buffer.length(), allocationBytes);
      }
      segment.file().write(offset, buffer.written());
    } catch (StorageException e) {
      throw undone(segment, e);
    }
    writtenBytes.addAndGet(buffer.length());
    appendedBytes.addAndGet(buffer.length());
    for (FrameLocation location : locations) {
      segment.extend(location.position() + 1, location.offset + location.lengthBytes);
    }
    nextPosition = position;
    return locations;
  }

  private Segment segmentForAppend() {
    Segment last = lastSegment();
    if (last != null && !last.isCompacted() && last.endOffset() < config.segmentBytes()) {
      return last;
    }
    // A segment that is not the last is durable as a whole: recovery relies on it.
    makeDurable();
    Segment fresh = createBehind(last);
    frames.add(fresh);
    synchronized (segmentsLock) {
      var next = new ArrayList<>(segments);
      next.add(fresh);
      segments = List.copyOf(next);
    }
    writtenBytes.addAndGet(fresh.endOffset());
    appendedBytes.addAndGet(fresh.endOffset());
    return fresh;
  }

  private Segment createBehind(@Nullable Segment last) {
    try {
      if (last != null && !last.isCompacted()) {
        last.truncateToEnd();
      }
      return Segment.create(disk, nextPosition);
    } catch (StorageFullException e) {
      throw e;
    } catch (StorageException e) {
      // Perhaps of a sync: a later one that succeeds would prove nothing.
      failure = e;
      throw e;
    }
  }

  private @Nullable Segment lastSegment() {
    List<Segment> all = segments;
    return all.isEmpty() ? null : all.get(all.size() - 1);
  }

  /**
   * A part of the failed write may be in the file; left there, it could be replayed one day, though
   * its writer was told that it is refused. So could it if the file's new length got lost with the
   * power, so that is made durable.
   *
   * @return what to tell the writer
   */
  private StorageException undone(Segment segment, StorageException cause) {
    if (!(cause instanceof StorageFullException)) {
      failure = cause;
      return cause;
    }
    try {
      synchronized (syncLock) {
        requireUsable();
        segment.truncateToEnd();
        sync(segment);
      }
      return cause;
    } catch (StorageException e) {
      e.addSuppressed(cause);
      failure = failure == null ? e : failure;
      return untaken(e);
    }
  }

  /**
   * Returns once everything appended is durable.
   *
   * @throws StorageException if the disk refused; the journal accepts nothing any more
   */
  public void makeDurable() {
    requireUsable();
    Segment last = lastSegment();
    if (last == null || durablePosition == nextPosition - 1) {
      return;
    }
    try {
      synchronized (syncLock) {
        // Another thread's sync may have failed meanwhile: one that succeeds now proves nothing.
        requireUsable();
        sync(last);
      }
      durablePosition = nextPosition - 1;
      mark.write(durablePosition);
    } catch (StorageException e) {
      failure = failure == null ? e : failure;
      throw untaken(e);
    }
  }

  /** Of a full disk the caller would take it that nothing was written. */
  private static StorageException untaken(StorageException e) {
    return e instanceof StorageFullException
        ? new StorageException(String.valueOf(e.getMessage()), e)
        : e;
  }

  /**
   * Returns once what was published is durable, also while another thread writes: what it has
   * replaced may go then.
   *
   * @throws StorageException if the disk refused; the journal accepts nothing any more
   */
  void makePublishedDurable() {
    long upTo = publishedPosition;
    // Those in front of the last were synced when they became full.
    Segment last = lastSegment();
    if (last == null || durablePosition >= upTo) {
      return;
    }
    synchronized (syncLock) {
      requireUsable();
      sync(last);
    }
  }

  private void sync(Segment segment) {
    try {
      segment.file().sync();
    } catch (StorageException e) {
      throw refuseFromNowOn(e);
    }
  }

  /** Accepts nothing any more, and says why; the caller throws what this returns. */
  public StorageException refuseFromNowOn(StorageException cause) {
    failure = cause;
    return cause;
  }

  /** Views are about to learn of entries up to {@code position}; {@link #publish} follows. */
  public void announce(long position) {
    announcedPosition = position;
  }

  /** Lets cursors read up to {@code position}. */
  public void publish(long position) {
    announcedPosition = position;
    publishedPosition = position;
  }

  void requireUsable() {
    StorageException cause = failure;
    if (cause != null) {
      throw new StorageException(
          "the journal in "
              + disk.describe()
              + " is read-only since a failure: "
              + cause.getMessage()
              + "; mend the disk and open the fabric again",
          cause);
    }
  }

  /** A reader of all that is left of the published entries behind {@code position}. */
  public JournalCursor cursorAfter(long position) {
    return new JournalCursor(this, position, false);
  }

  /**
   * A reader of every single entry behind {@code position}.
   *
   * @throws io.metafabric.core.error.PositionNotKeptException here, or when it reads on, if some
   *     have been dropped
   */
  public JournalCursor completeCursorAfter(long position) {
    return new JournalCursor(this, position, true);
  }

  /** From this position on no entry has been dropped. */
  public long keptFrom() {
    return keptFrom;
  }

  /** Position of the newest published entry; 0 if there is none. */
  public long publishedPosition() {
    return publishedPosition;
  }

  /**
   * No view knows of anything behind this position yet; at most a moment ahead of what is
   * published.
   */
  public long announcedPosition() {
    return announcedPosition;
  }

  public long durablePosition() {
    return durablePosition;
  }

  public long sizeBytes() {
    return writtenBytes.get();
  }

  /** Frames and headers of segments that were written since the opening, by appending alone. */
  public long appendedBytes() {
    return appendedBytes.get();
  }

  public int segmentCount() {
    return segments.size();
  }

  /** Bytes of frames that are part of the present state. */
  public long liveBytes() {
    return segments.stream().mapToLong(Segment::liveBytes).sum();
  }

  /** Of {@link #liveBytes}, those of dead headers that no view knows any more. */
  public long forgottenBytes() {
    return segments.stream().mapToLong(Segment::forgottenBytes).sum();
  }

  /**
   * Frames that compaction kept for readers alone count as garbage again once as much was appended
   * as the journal was long then: it is time to ask again whether they are needed.
   */
  public void releaseHeld() {
    long appended = appendedBytes();
    segments.forEach(segment -> segment.releaseHeld(appended));
  }

  /** Keeps compaction away from what is behind {@code position} until the pin is closed. */
  public Pin pin(long position) {
    var pin = new Pin(position);
    pins.add(pin);
    return pin;
  }

  /** The same for all that is not published yet. */
  public Pin pinPublished() {
    // Held from before it is known where that is: no compaction begins in between.
    try (Pin everything = pin(0)) {
      return pin(Math.max(everything.position, publishedPosition));
    }
  }

  /** Nobody has pinned anything at or before this position. */
  public long pinnedAfter() {
    return pins.stream().mapToLong(pin -> pin.position).min().orElse(Long.MAX_VALUE);
  }

  Disk disk() {
    return disk;
  }

  public long segmentBytes() {
    return config.segmentBytes();
  }

  /** The last position in front of whole segments of about {@code bytes} at the end. */
  public long positionBefore(long bytes) {
    List<Segment> all = segments;
    long seen = 0;
    for (int i = all.size() - 1; i >= 0; i--) {
      seen += all.get(i).endOffset();
      if (seen > bytes) {
        return all.get(i).endPosition() - 1;
      }
    }
    return 0;
  }

  /** Nothing in front of {@code segment} had been replaced when this position was published. */
  long cleanBefore(Segment segment) {
    return segments.stream()
        .takeWhile(each -> each != segment)
        .mapToLong(Segment::cleanUpTo)
        .min()
        .orElse(Long.MAX_VALUE);
  }

  /** Segments that are written to no more and published as a whole, in order. */
  List<Segment> sealedSegments() {
    List<Segment> all = segments;
    var sealed = new ArrayList<Segment>();
    for (int i = 0; i < all.size(); i++) {
      Segment segment = all.get(i);
      boolean writtenTo = i == all.size() - 1 && !segment.isCompacted();
      if (!writtenTo && segment.endPosition() - 1 <= publishedPosition) {
        sealed.add(segment);
      }
    }
    return sealed;
  }

  /** {@code compacted}, which is durable, takes the place of adjacent segments. */
  void replace(List<Segment> old, Segment compacted) {
    long freed = 0;
    frames.add(compacted);
    retiring.addAll(old);
    synchronized (segmentsLock) {
      var next = new ArrayList<>(segments);
      int at = next.indexOf(old.get(0));
      next.removeAll(old);
      next.add(at, compacted);
      keptFrom = Math.max(keptFrom, compacted.endPosition());
      segments = List.copyOf(next);
    }
    for (Segment each : old) {
      freed += each.endOffset();
    }
    writtenBytes.addAndGet(compacted.endOffset() - freed);
  }

  /** Nobody finds anything in these any more. */
  void retire(List<Segment> old) {
    for (Segment segment : old) {
      segment.retire();
      frames.remove(segment);
    }
    retiring.removeAll(old);
  }

  /** Whether it takes entries; not after a failure. */
  public boolean isUsable() {
    return failure == null;
  }

  /** What was read to open this journal: all of it, or nothing if its image was good. */
  public long replayedBytes() {
    return replayedBytes;
  }

  /** What was cut off when this journal was opened. */
  public List<TornTail> tornTails() {
    return tornTails;
  }

  /** The segment that has {@code position}, or null if it is behind the end. */
  @Nullable Segment segmentWith(long position) {
    List<Segment> all = segments;
    for (int i = all.size() - 1; i >= 0; i--) {
      if (all.get(i).firstPosition() <= position) {
        return position < all.get(i).endPosition() ? all.get(i) : null;
      }
    }
    return null;
  }

  /**
   * Makes everything durable, notes that this end was in order if there is room, and closes the
   * files.
   */
  @Override
  public void close() {
    try {
      if (failure == null && !segments.isEmpty()) {
        FrameLocation end = noteEnd();
        makeDurable();
        Segment last = lastSegment();
        if (last != null) {
          last.truncateToEnd();
        }
        if (end != null && retiring.isEmpty()) {
          closedInOrder = imageWith(end);
        }
      }
    } finally {
      abandon();
    }
  }

  /** A full disk takes no note, which is no reason not to sync what it took before. */
  private @Nullable FrameLocation noteEnd() {
    try {
      return append(List.of(new JournalEntry.Closed())).get(0);
    } catch (StorageFullException e) {
      // The next opening looks at the end as after a crash, and finds all of it.
      return null;
    }
  }

  private JournalImage imageWith(FrameLocation end) {
    var images = new ArrayList<SegmentImage>();
    for (Segment segment : segments) {
      images.add(segment.image(segment.file().sizeBytes()));
    }
    return new JournalImage(images, end.position(), end.offset);
  }

  /** Closes the files as they are. */
  public void abandon() {
    mark.close();
    segments.forEach(segment -> segment.file().close());
    retiring.forEach(segment -> segment.file().close());
  }
}
