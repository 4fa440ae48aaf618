package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.SnapshotToken.Phase;
import io.metafabric.core.record.MetadataRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of a snapshot, as its reader gets it. Immutable.
 *
 * <pre>
 * 0          8        12       16             62
 * +----------+--------+--------+--------------+-----------+-------------+
 * | MFSNAP01 | length | CRC32C | token before | frames... | token after |   big-endian
 * +----------+--------+--------+--------------+-----------+-------------+
 * </pre>
 *
 * <p>{@code length} is that of all that follows the checksum, which is over the same. The frames
 * are those of the journal: records at position 0, which were named; then records at their
 * positions, ascending; at the very end of the snapshot, at its position, one of type applied for
 * each actor, and one of type sealed.
 *
 * @param before where the snapshot was before this batch
 * @param after and where it is with it
 * @param applied in the last batch, what the whole snapshot has all changes of
 */
public record SnapshotBatch(
    SnapshotToken before,
    SnapshotToken after,
    List<MetadataRecord> records,
    List<JournalEntry.Applied> applied) {
  static final long MAGIC = 0x4d46534e41503031L; // "MFSNAP01"
  static final int LENGTH_AT = Long.BYTES;
  static final int CRC_AT = LENGTH_AT + Integer.BYTES;
  static final int HEADER_BYTES = CRC_AT + Integer.BYTES;

  /** Of the records that were named, which are out of the journal's order. */
  static final long NAMED_POSITION = 0;

  public SnapshotBatch {
    records = List.copyOf(records);
    applied = List.copyOf(applied);
  }

  /**
   * Decodes a whole batch.
   *
   * @throws WireFormatException if it is not a good one; nothing of it may be used then
   */
  public static SnapshotBatch decode(byte[] bytes) {
    if (bytes.length < HEADER_BYTES + 2 * SnapshotToken.BYTES) {
      throw new WireFormatException(bytes.length + " bytes are too few for a snapshot's batch");
    }
    var in = new ByteReader(ByteBuffer.wrap(bytes));
    if (in.i64("magic") != MAGIC) {
      throw new WireFormatException("this is not a batch of a snapshot");
    }
    if (in.i32("length") != bytes.length - HEADER_BYTES) {
      throw new WireFormatException("the length of a snapshot's batch is wrong");
    }
    if (in.i32("checksum") != Checksums.crc32c(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES)) {
      throw new WireFormatException("the checksum of a snapshot's batch is wrong");
    }
    int framesAt = HEADER_BYTES + SnapshotToken.BYTES;
    int framesEnd = bytes.length - SnapshotToken.BYTES;
    SnapshotToken before =
        SnapshotToken.read(ByteBuffer.wrap(bytes, HEADER_BYTES, SnapshotToken.BYTES));
    SnapshotToken after =
        SnapshotToken.read(ByteBuffer.wrap(bytes, framesEnd, SnapshotToken.BYTES));
    requireForward(before, after);
    var frames = new Frames(before, after);
    frames.read(ByteBuffer.wrap(bytes, 0, framesEnd), framesAt);
    return new SnapshotBatch(before, after, frames.records, frames.applied);
  }

  private static void requireForward(SnapshotToken before, SnapshotToken after) {
    boolean samePhase = before.phase() == after.phase();
    boolean forward =
        before.phase().compareTo(after.phase()) <= 0
            && ((before.phase() == Phase.NAMED && !samePhase) || before.place() <= after.place());
    if (before.isEnded()
        || !forward
        || before.nodeId() != after.nodeId()
        || before.begin() != after.begin()) {
      throw new WireFormatException("no snapshot goes from " + before + " to " + after);
    }
  }

  /** Takes the frames in, and checks that each is where it belongs. */
  private static final class Frames {
    private final SnapshotToken after;
    private final List<MetadataRecord> records = new ArrayList<>();
    private final List<JournalEntry.Applied> applied = new ArrayList<>();
    private final long mostNamed;
    private long last;
    private boolean sealed;

    Frames(SnapshotToken before, SnapshotToken after) {
      this.after = after;
      this.last = before.phase() == Phase.NAMED ? NAMED_POSITION : before.place();
      this.mostNamed =
          before.phase() != Phase.NAMED
              ? 0
              : after.phase() == Phase.NAMED ? after.place() - before.place() : Long.MAX_VALUE;
    }

    void read(ByteBuffer bytes, int from) {
      int at = from;
      while (at < bytes.limit()) {
        if (bytes.limit() - at < JournalFrame.HEADER_BYTES
            || JournalFrame.claimedBytes(bytes, at) > bytes.limit() - at) {
          throw new WireFormatException("a frame runs past the end of its batch");
        }
        int end = at + (int) JournalFrame.claimedBytes(bytes, at);
        JournalFrame frame =
            JournalFrame.decode(
                bytes.duplicate().position(at).limit(end), at, NAMED_POSITION, after.seen());
        if (sealed || frame.durable() != 0) {
          throw misplaced(frame);
        }
        take(frame);
        at = end;
      }
      if (sealed != after.isEnded()) {
        throw new WireFormatException("a snapshot ends without its seal");
      }
    }

    private void take(JournalFrame frame) {
      if (frame.entry() instanceof JournalEntry.Stored stored) {
        takeRecord(frame, stored.record());
      } else if (!after.isEnded() || frame.position() != after.place()) {
        throw misplaced(frame);
      } else if (frame.entry() instanceof JournalEntry.Applied each) {
        applied.add(each);
      } else if (frame.entry() instanceof JournalEntry.Sealed seal
          && seal.frames() == applied.size()) {
        sealed = true;
      } else {
        throw misplaced(frame);
      }
    }

    private void takeRecord(JournalFrame frame, MetadataRecord record) {
      boolean named = frame.position() == NAMED_POSITION;
      boolean inPlace =
          named
              ? last == NAMED_POSITION && records.size() < mostNamed
              : after.phase() != Phase.NAMED
                  && frame.position() > last
                  && frame.position() <= after.place();
      if (!inPlace || !applied.isEmpty()) {
        throw misplaced(frame);
      }
      last = frame.position();
      records.add(record);
    }

    private WireFormatException misplaced(JournalFrame frame) {
      return new WireFormatException(
          "a frame of type "
              + frame.type()
              + " with position "
              + frame.position()
              + " does not belong into a snapshot behind position "
              + last);
    }
  }
}
