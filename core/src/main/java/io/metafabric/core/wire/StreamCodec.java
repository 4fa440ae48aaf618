package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.List;

/**
 * The bodies of frames of the stream of changes, and of what comes back of them: changes, deltas,
 * part, whole, ack, no base. docs/PROTOCOL.md has the bytes. Stateless.
 */
final class StreamCodec {
  private StreamCodec() {}

  static void write(ByteWriter out, Frame.Changes changes) {
    out.i64(changes.actor().id())
        .varint(changes.after())
        .varint(changes.upTo())
        .varint(changes.records().size());
    var codec = new ChangesCodec(changes.actor(), changes.after());
    changes.records().forEach(record -> codec.write(out, record));
  }

  static Frame.Changes readChanges(ByteReader in) {
    var actor = new ActorId(in.i64("actor"));
    long after = FrameFields.readCounter(in, "after");
    long upTo = FrameFields.readCounter(in, "up to");
    if (upTo < after) {
      throw new WireFormatException("not a range of counters: " + after + " to " + upTo);
    }
    List<MetadataRecord> records = new ChangesCodec(actor, after).readAll(in);
    for (MetadataRecord record : records) {
      Dot dot = record.header().version().dot();
      if (dot.counter() > upTo) {
        throw new WireFormatException("change " + dot + " is behind " + upTo);
      }
    }
    return new Frame.Changes(actor, after, upTo, records);
  }

  static void write(ByteWriter out, Frame.Deltas deltas) {
    write(out, deltas.changes());
    DeltasCodec.write(out, deltas);
  }

  static Frame.Deltas readDeltas(ByteReader in) {
    return DeltasCodec.read(in, readChanges(in));
  }

  static Frame.Deltas readTold(ByteReader in) {
    return DeltasCodec.readTold(in, readChanges(in));
  }

  static void write(ByteWriter out, Frame.Part part) {
    write(out, part.changes());
  }

  static Frame.Part readPart(ByteReader in) {
    return new Frame.Part(readChanges(in));
  }

  static void write(ByteWriter out, Frame.Whole whole) {
    RecordCodec.writeVector(out, whole.upTo());
  }

  static Frame.Whole readWhole(ByteReader in) {
    return new Frame.Whole(RecordCodec.readVector(in));
  }

  static void write(ByteWriter out, Frame.Ack ack) {
    out.i64(ack.actor().id()).varint(ack.counter()).u8(ack.resend() ? 1 : 0);
  }

  static Frame.Ack readAck(ByteReader in) {
    return new Frame.Ack(
        new ActorId(in.i64("actor")),
        FrameFields.readCounter(in, "counter"),
        FrameFields.readFlag(in, "resend"));
  }

  static void write(ByteWriter out, Frame.NoBase noBase) {
    FrameFields.writeKeys(out, noBase.keys());
  }

  static Frame.NoBase readNoBase(ByteReader in) {
    return new Frame.NoBase(FrameFields.readKeys(in));
  }
}
