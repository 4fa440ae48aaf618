package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/**
 * What stands behind a batch of changes for payloads that are not in it: deltas, and what is told
 * by dictionaries, each of which names its change by how far it is from the one before; and the
 * dictionaries. docs/PROTOCOL.md has the bytes. Stateless.
 */
final class DeltasCodec {
  /** Change, base, checksum, length, and one byte at least. */
  private static final int MIN_DELTA_BYTES = 8;

  /** Change, dictionary, length, and one byte at least. */
  private static final int MIN_TOLD_BYTES = 4;

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
    if (!deltas.told().isEmpty()) {
      writeTold(out, deltas);
    }
  }

  private static void writeTold(ByteWriter out, Frame.Deltas deltas) {
    out.varint(deltas.told().size());
    long before = deltas.changes().after();
    for (Frame.Told told : deltas.told()) {
      out.varint(told.counter() - before)
          .varint(told.dictionary())
          .varint(told.bytes().length())
          .bytes(told.bytes());
      before = told.counter();
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
    return new Frame.Deltas(changes, readDeltas(in, changes, 1));
  }

  /** The same with what is told by dictionaries, and perhaps without deltas. */
  static Frame.Deltas readTold(ByteReader in, Frame.Changes changes) {
    List<Frame.Delta> deltas = readDeltas(in, changes, 0);
    int count = in.varint("told by dictionaries", 1, in.remaining() / MIN_TOLD_BYTES);
    var all = new ArrayList<Frame.Told>(Math.min(count, 1024));
    var lacking = new Lacking(changes);
    for (int i = 0; i < count; i++) {
      long counter = lacking.next(in);
      long dictionary = readNumber(in);
      all.add(new Frame.Told(counter, dictionary, readBytes(in, "told")));
    }
    var read = new Frame.Deltas(changes, deltas, all);
    if (!Collections.disjoint(read.byCounter().keySet(), read.toldByCounter().keySet())) {
      throw new WireFormatException("a change is told as a delta and by a dictionary");
    }
    return read;
  }

  private static List<Frame.Delta> readDeltas(ByteReader in, Frame.Changes changes, int least) {
    int count = in.varint("deltas", least, in.remaining() / MIN_DELTA_BYTES);
    var deltas = new ArrayList<Frame.Delta>(Math.min(count, 1024));
    var lacking = new Lacking(changes);
    for (int i = 0; i < count; i++) {
      long counter = lacking.next(in);
      Dot base = readBase(in, changes, counter);
      int crc32c = in.i32("checksum of a base");
      deltas.add(new Frame.Delta(counter, base, crc32c, readBytes(in, "delta")));
    }
    return deltas;
  }

  private static Bytes readBytes(ByteReader in, String what) {
    return in.payload(in.varint("length of a " + what, 1, in.remaining()), what);
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

  static void write(ByteWriter out, Frame.Dictionary dictionary) {
    out.varint(dictionary.place())
        .varint(dictionary.number())
        .varint(dictionary.bytes().length())
        .bytes(dictionary.bytes());
  }

  static Frame.Dictionary readDictionary(ByteReader in) {
    int place = in.varint("place of a dictionary", 0, Frame.Dictionary.PLACES - 1);
    long number = readNumber(in);
    int length = in.varint("length of a dictionary", 1, Frame.Dictionary.MAX_BYTES);
    return new Frame.Dictionary(place, number, in.payload(length, "dictionary"));
  }

  static void write(ByteWriter out, Frame.NoDictionary noDictionary) {
    out.varint(noDictionary.numbers().size());
    noDictionary.numbers().forEach(out::varint);
  }

  static Frame.NoDictionary readNoDictionary(ByteReader in) {
    int count = in.varint("dictionaries", 0, Frame.Dictionary.PLACES);
    var numbers = new ArrayList<Long>(count);
    for (int i = 0; i < count; i++) {
      numbers.add(readNumber(in));
    }
    return new Frame.NoDictionary(numbers);
  }

  private static long readNumber(ByteReader in) {
    long number = in.varint("number of a dictionary");
    if (number < 1) {
      throw new WireFormatException("a dictionary has no number " + number);
    }
    return number;
  }

  /** The changes that lack their payloads, one after the other. */
  private static final class Lacking {
    private final Iterator<MetadataRecord> records;
    private long before;

    Lacking(Frame.Changes changes) {
      this.records = changes.records().iterator();
      this.before = changes.after();
    }

    long next(ByteReader in) {
      long ahead = in.varint("change without its payload");
      long counter = before + ahead;
      MetadataRecord changed = null;
      while (records.hasNext() && (changed == null || counterOf(changed) < counter)) {
        changed = records.next();
      }
      if (ahead < 1 || changed == null || counterOf(changed) != counter || !lacks(changed)) {
        throw new WireFormatException("there is no change " + counter + " that lacks a payload");
      }
      before = counter;
      return counter;
    }

    private static long counterOf(MetadataRecord record) {
      return record.header().version().dot().counter();
    }

    private static boolean lacks(MetadataRecord record) {
      return record.payload() == null && !record.header().isTombstone();
    }
  }
}
