package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.version.ActorId;
import java.nio.ByteBuffer;

/**
 * How far a snapshot has come: with it another stream goes on, from another process too. Immutable.
 *
 * <pre>
 * 0        1       2         10        18      26      34     42
 * +--------+-------+---------+---------+-------+-------+------+--------+
 * | format | phase | node id | opening | begin | place | seen | CRC32C |   big-endian
 * +--------+-------+---------+---------+-------+-------+------+--------+
 * </pre>
 *
 * @param nodeId identity of the source's directory
 * @param opening who issued the source's versions when it had come as far as {@code seen}
 * @param begin everything behind this position is sent whole, what is before it where it is live
 * @param place in phase {@link Phase#NAMED} how many of the named keys are done; afterwards all up
 *     to this position is
 * @param seen newest position of which the source knew: what was left out may have been replaced by
 *     it, so a source that has lost it cannot go on
 */
public record SnapshotToken(
    long nodeId, ActorId opening, Phase phase, long begin, long place, long seen) {
  /** In this order. */
  public enum Phase {
    /** The keys that the reader named, in its order. */
    NAMED,
    /** Everything else, in the journal's order. */
    ORDERED,
    /** Nothing is left: the snapshot is the state at {@code place}. */
    ENDED
  }

  public static final int BYTES = 46;

  private static final int FORMAT = 1;
  private static final int CRC_AT = BYTES - Integer.BYTES;
  private static final Phase[] PHASES = Phase.values();

  public SnapshotToken {
    boolean inOrder =
        switch (phase) {
          case NAMED -> place >= 0;
          case ORDERED -> place >= 0 && place <= seen;
          case ENDED -> place >= begin && place <= seen;
        };
    if (begin < 0 || seen < begin || seen >= Segment.MAX_END_POSITION || !inOrder) {
      throw new IllegalArgumentException(
          "no snapshot is at " + phase + " " + place + " begun at " + begin + ", seen " + seen);
    }
  }

  /** Nothing has been sent yet. */
  public static SnapshotToken beginning(long nodeId, ActorId opening, long begin) {
    return new SnapshotToken(nodeId, opening, Phase.NAMED, begin, 0, begin);
  }

  /** The same snapshot, further on. */
  public SnapshotToken at(Phase phase, long place, ActorId opening, long seen) {
    return new SnapshotToken(nodeId, opening, phase, begin, place, seen);
  }

  public boolean isBeginning() {
    return phase == Phase.NAMED && place == 0;
  }

  public boolean isEnded() {
    return phase == Phase.ENDED;
  }

  /** The source must still have every single entry behind this position. */
  public long needsAfter() {
    return phase == Phase.NAMED ? begin : Math.max(begin, place);
  }

  public byte[] toBytes() {
    var out = new ByteWriter(BYTES);
    writeTo(out);
    return out.toArray();
  }

  void writeTo(ByteWriter out) {
    int start = out.length();
    out.u8(FORMAT).u8(phase.ordinal()).i64(nodeId).i64(opening.id());
    out.i64(begin).i64(place).i64(seen);
    out.i32(out.crc32c(start));
  }

  /**
   * @throws WireFormatException if these are not the bytes of a token
   */
  public static SnapshotToken fromBytes(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new WireFormatException(
          "a snapshot's token has " + BYTES + " bytes, not " + bytes.length);
    }
    return read(ByteBuffer.wrap(bytes));
  }

  /** Of as many bytes as are left. */
  static SnapshotToken read(ByteBuffer bytes) {
    int crc = Checksums.crc32c(bytes.duplicate().limit(bytes.position() + CRC_AT));
    var in = new ByteReader(bytes);
    int format = in.u8("format of a snapshot's token");
    int phase = in.u8("phase");
    var nodeId = in.i64("node id");
    var opening = new ActorId(in.i64("opening"));
    long begin = in.i64("begin");
    long place = in.i64("place");
    long seen = in.i64("seen");
    if (in.i32("checksum") != crc) {
      throw new WireFormatException("the checksum of a snapshot's token is wrong");
    }
    if (format != FORMAT) {
      throw new WireFormatException(
          "a snapshot's token has format " + format + ", but this version reads format " + FORMAT);
    }
    if (phase >= PHASES.length) {
      throw new WireFormatException("a snapshot has no phase " + phase);
    }
    try {
      return new SnapshotToken(nodeId, opening, PHASES[phase], begin, place, seen);
    } catch (IllegalArgumentException e) {
      throw new WireFormatException("not a snapshot's token: " + e.getMessage(), e);
    }
  }
}
