package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;

/**
 * The deltas behind a batch of changes: each names its change and its base by how far they are from
 * what came before. docs/PROTOCOL.md has the bytes. Stateless.
 */
final class DeltasCodec {
  /** Change, base, checksum, length, and one byte at least. */
  private static final int MIN_BYTES = 8;

  private DeltasCodec() {}

  static void write(ByteWriter out, Frame.Deltas deltas) {
    out.varint(deltas.deltas().size());
    long before = deltas.changes().after();
    for (Frame.Delta delta : deltas.deltas()) {
      out.varint(delta.counter() - before);
      writeBase(out, deltas.changes(), delta);
      out.i32(delta.baseCrc32c()).varint(delta.bytes().length()).bytes(delta.bytes());
      before = delta.counter();
    }
  }

  /** Mostly it is an earlier write of the same actor. */
  private static void writeBase(ByteWriter out, Frame.Changes changes, Frame.Delta delta) {
    Dot base = delta.base();
    if (isEarlier(base, changes, delta.counter())) {
      out.varint(delta.counter() - base.counter());
    } else {
      out.varint(0);
      RecordCodec.writeDot(out, base);
    }
  }

  private static boolean isEarlier(Dot base, Frame.Changes changes, long counter) {
    return base.actor().equals(changes.actor()) && base.counter() < counter;
  }

  static Frame.Deltas read(ByteReader in, Frame.Changes changes) {
    int count = in.varint("deltas", 1, in.remaining() / MIN_BYTES);
    var deltas = new ArrayList<Frame.Delta>(Math.min(count, 1024));
    var records = changes.records().iterator();
    long before = changes.after();
    for (int i = 0; i < count; i++) {
      long ahead = in.varint("change of a delta");
      long counter = before + ahead;
      MetadataRecord changed = null;
      while (records.hasNext() && (changed == null || counterOf(changed) < counter)) {
        changed = records.next();
      }
      if (ahead < 1 || changed == null || counterOf(changed) != counter || !lacks(changed)) {
        throw new WireFormatException("there is no change " + counter + " that lacks a payload");
      }
      Dot base = readBase(in, changes, counter);
      int crc32c = in.i32("checksum of a base");
      int length = in.varint("length of a delta", 1, in.remaining());
      deltas.add(new Frame.Delta(counter, base, crc32c, in.payload(length, "delta")));
      before = counter;
    }
    return new Frame.Deltas(changes, deltas);
  }

  private static Dot readBase(ByteReader in, Frame.Changes changes, long counter) {
    long behind = in.varint("base of a delta");
    if (behind < 0 || behind >= counter) {
      throw new WireFormatException("a base of " + counter + " is no " + behind + " behind it");
    }
    if (behind > 0) {
      return new Dot(changes.actor(), counter - behind);
    }
    Dot base = RecordCodec.readDot(in);
    if (isEarlier(base, changes, counter)) {
      throw new WireFormatException("the base " + base + " has a shorter form");
    }
    return base;
  }

  private static long counterOf(MetadataRecord record) {
    return record.header().version().dot().counter();
  }

  private static boolean lacks(MetadataRecord record) {
    return record.payload() == null && record.header().kind() == Header.Kind.VALUE;
  }
}
