package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rewrites adjacent segments into one that has only what is live, in small steps. Entries keep
 * their positions and their order, so nothing ever comes in front of something newer.
 *
 * <p>Crash-safe at every step: until the new file is durable with its seal, the old ones are the
 * truth; from then on it is, and recovery deletes what is left of the others. One compaction at a
 * time; not thread-safe.
 */
public final class Compaction {
  private static final int WRITE_BYTES = 256 * 1024;

  private final Journal journal;
  private final Liveness liveness;
  private final List<Segment> sources;
  private final Segment target;
  private final ByteWriter buffer = new ByteWriter(WRITE_BYTES);
  private final MovedFrames moved = new MovedFrames();

  // A dead header may go if nothing in front of it can be older of its key.
  private final long cleanInFront;
  private final long begunAt;
  private boolean replacedKept;

  private int source;
  private @Nullable FrameReader reader;
  private long due;
  private long writtenTo;
  private long frames;
  private long readBytes;
  private boolean ended;

  private Compaction(Journal journal, Liveness liveness, List<Segment> sources) {
    this.journal = journal;
    this.liveness = liveness;
    this.sources = sources;
    int generation = sources.stream().mapToInt(each -> each.name().generation()).max().orElse(0);
    this.target =
        Segment.createCompacted(
            journal.disk(),
            sources.get(0).firstPosition(),
            sources.get(sources.size() - 1).endPosition(),
            generation + 1);
    this.writtenTo = target.framesAt();
    this.due = sources.get(0).firstPosition();
    this.begunAt = journal.publishedPosition();
    this.cleanInFront = journal.cleanBefore(sources.get(0));
  }

  /**
   * Begins the compaction that frees the most for what it copies, or returns null if none is worth
   * it.
   *
   * @param upTo nothing behind this position is touched: somebody still needs all of it
   * @param minGarbage the least share of a segment's bytes that must be garbage, in (0, 1]
   * @param forgetting whether segments without garbage are worth it for what was forgotten
   */
  public static @Nullable Compaction begin(
      Journal journal, Liveness liveness, long upTo, double minGarbage, boolean forgetting) {
    List<Segment> candidates =
        journal.sealedSegments().stream()
            .filter(segment -> segment.endPosition() - 1 <= upTo)
            .toList();
    List<Segment> chosen = CompactionChoice.of(candidates, journal.segmentBytes(), minGarbage);
    if (chosen.isEmpty() && forgetting) {
      chosen = CompactionChoice.toForget(candidates);
    }
    if (chosen.isEmpty() || !journal.isUsable()) {
      return null;
    }
    return new Compaction(journal, liveness, chosen);
  }

  /**
   * Reads about {@code bytes} further.
   *
   * @return false once everything is done
   * @throws StorageException if the disk refuses; {@link #abandon} then, and nothing is lost
   */
  public boolean step(long bytes) {
    long until = writtenTo + buffer.length() + bytes;
    for (long read = 0; read < bytes && source < sources.size(); ) {
      JournalFrame frame = nextFrame();
      if (frame == null) {
        source++;
        reader = null;
      } else {
        read += frame.lengthBytes();
        readBytes += frame.lengthBytes();
        copyIfLive(frame);
      }
      if (writtenTo + buffer.length() >= until) {
        break;
      }
    }
    if (source < sources.size()) {
      return true;
    }
    finish();
    return false;
  }

  private @Nullable JournalFrame nextFrame() {
    Segment from = sources.get(source);
    FrameReader frames = reader;
    if (frames == null) {
      frames = new FrameReader(from.file(), from.framesAt());
      reader = frames;
    }
    try {
      JournalFrame frame = frames.next(from.endOffset(), due, from.endPosition() - 1);
      due = frame == null ? from.endPosition() : frame.position() + 1;
      return frame;
    } catch (WireFormatException e) {
      throw new CorruptJournalException(
          from.name().file(), frames.offset(), String.valueOf(e.getMessage()));
    }
  }

  private void copyIfLive(JournalFrame frame) {
    JournalEntry kept = liveness.kept(frame.entry(), frame.position());
    JournalEntry hiding = kept instanceof JournalEntry.Stored ? null : stillNeeded(frame);
    boolean forgotten = hiding != null;
    if (hiding != null) {
      kept = hiding;
    }
    if (kept == null) {
      return;
    }
    // What hides something in front of it is itself older than what may be behind it.
    replacedKept |= forgotten || liveness.isReplaced(kept);
    int start = buffer.length();
    JournalFrame.encode(buffer, kept, frame.position(), journal.durablePosition());
    int length = buffer.length() - start;
    // Nobody else knows the new segment yet.
    var to = new FrameLocation(target, writtenTo + start, length, frame.position());
    target.extend(frame.position() + 1, endOf(to));
    to.markLive();
    if (forgotten) {
      to.markForgotten();
    }
    moved.add(source, frame.offset(), frame.lengthBytes());
    frames++;
    if (buffer.length() >= WRITE_BYTES) {
      flush();
    }
  }

  /** A dead header without which a replay would bring back something in front of it. */
  private @Nullable JournalEntry stillNeeded(JournalFrame frame) {
    boolean nothingOlder = !replacedKept && frame.position() <= cleanInFront;
    return !nothingOlder
            && frame.entry() instanceof JournalEntry.Stored stored
            && liveness.isForgotten(stored)
        ? new JournalEntry.Stored(stored.record().withoutPayload())
        : null;
  }

  private void flush() {
    target.file().write(writtenTo, buffer.written());
    writtenTo += buffer.length();
    buffer.reset(2 * WRITE_BYTES);
  }

  private void finish() {
    if (ended) {
      throw new IllegalStateException("the compaction has ended");
    }
    long framesEnd = writtenTo + buffer.length();
    JournalFrame.encode(
        buffer, new JournalEntry.Sealed(frames), target.endPosition(), journal.durablePosition());
    flush();
    // What was left out may have been replaced by something that a power loss would still take.
    journal.makePublishedDurable();
    target.file().sync();
    journal.disk().syncDirectory();
    ended = true;
    if (framesEnd != target.endOffset()) {
      throw new IllegalStateException("frames end at " + framesEnd + ", not " + target.endOffset());
    }
    target.rewritten(begunAt, !replacedKept);
    journal.replace(sources, target);
    target.holdUntil(journal.appendedBytes() + journal.sizeBytes());
    tellMoves();
    journal.retire(sources);
    sources.forEach(each -> journal.disk().delete(each.name().file()));
    journal.disk().syncDirectory();
  }

  private static long endOf(FrameLocation location) {
    return location.offset + location.lengthBytes;
  }

  /** Reads the entries again, so that not all of them have to be held meanwhile. */
  private void tellMoves() {
    var frames = new FrameReader(target.file(), target.framesAt());
    long next = target.firstPosition();
    for (int i = 0; i < moved.size(); i++) {
      JournalFrame frame = frames.next(target.endOffset(), next, target.endPosition() - 1);
      if (frame == null) {
        throw new IllegalStateException("a frame that was just written is missing");
      }
      next = frame.position() + 1;
      Segment from = sources.get(moved.source(i));
      liveness.moved(
          frame.entry(),
          new FrameLocation(from, moved.offset(i), moved.lengthBytes(i), frame.position()),
          new FrameLocation(target, frame.offset(), frame.lengthBytes(), frame.position()));
    }
  }

  /** Frames read so far. */
  public long readBytes() {
    return readBytes;
  }

  /** Written so far, the header included. */
  public long writtenBytes() {
    return writtenTo;
  }

  /** Gives up what was not finished. What was, stays. */
  public void abandon() {
    if (!ended) {
      ended = true;
      target.file().close();
      journal.disk().delete(target.name().file());
    }
  }
}
