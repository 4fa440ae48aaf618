package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;

/**
 * The bodies of frames about single payloads: fetches with what calls them off and answers them,
 * pushes and what came of them, and what regions tell each other of copies and of their reads.
 * docs/PROTOCOL.md has the bytes. Stateless.
 */
final class PayloadsCodec {
  private static final int FOUND = 1;
  private static final int NOT_HELD = 2;
  private static final int UNKNOWN = 3;
  private static final int SUPERSEDED = 4;

  private PayloadsCodec() {}

  static void write(ByteWriter out, Frame.Fetch fetch) {
    out.varint(fetch.requestId()).u8(fetch.prefetch() ? 1 : 0).varint(fetch.wanted().size());
    for (Frame.Wanted wanted : fetch.wanted()) {
      RecordCodec.writeKey(out, wanted.key());
      FrameFields.writeOptionalDot(out, wanted.atLeast());
    }
  }

  static Frame.Fetch readFetch(ByteReader in) {
    return new Frame.Fetch(
        in.varint("request"),
        FrameFields.readFlag(in, "prefetch"),
        FrameFields.readList(in, "wanted keys", PayloadsCodec::readWanted));
  }

  private static Frame.Wanted readWanted(ByteReader in) {
    Key key = RecordCodec.readKey(in);
    Dot atLeast = FrameFields.readOptionalDot(in, "known");
    return new Frame.Wanted(key, atLeast);
  }

  static void write(ByteWriter out, Frame.FetchReply reply) {
    out.varint(reply.requestId()).varint(reply.answers().size());
    for (Frame.Answer answer : reply.answers()) {
      if (answer instanceof Frame.Answer.Found found) {
        out.u8(FOUND);
        RecordCodec.writeRecord(out, found.record());
      } else if (answer instanceof Frame.Answer.Superseded older) {
        out.u8(SUPERSEDED);
        RecordCodec.writeRecord(out, older.record());
      } else {
        out.u8(answer instanceof Frame.Answer.NotHeld ? NOT_HELD : UNKNOWN);
        RecordCodec.writeKey(out, answer.key());
      }
    }
  }

  static Frame.FetchReply readFetchReply(ByteReader in) {
    return new Frame.FetchReply(
        in.varint("request"), FrameFields.readList(in, "answers", PayloadsCodec::readAnswer));
  }

  private static Frame.Answer readAnswer(ByteReader in) {
    int outcome = in.u8("answer");
    return switch (outcome) {
      case FOUND -> new Frame.Answer.Found(RecordCodec.readRecord(in));
      case NOT_HELD -> new Frame.Answer.NotHeld(RecordCodec.readKey(in));
      case UNKNOWN -> new Frame.Answer.Unknown(RecordCodec.readKey(in));
      case SUPERSEDED -> new Frame.Answer.Superseded(RecordCodec.readRecord(in));
      default -> throw new WireFormatException("there is no answer " + outcome);
    };
  }

  static void write(ByteWriter out, Frame.Hurry hurry) {
    out.varint(hurry.requestId());
    RecordCodec.writeKey(out, hurry.key());
  }

  static Frame.Hurry readHurry(ByteReader in) {
    return new Frame.Hurry(in.varint("request"), RecordCodec.readKey(in));
  }

  static void write(ByteWriter out, Frame.Forget forget) {
    out.varint(forget.requestId());
    FrameFields.writeKeys(out, forget.keys());
  }

  static Frame.Forget readForget(ByteReader in) {
    return new Frame.Forget(in.varint("request"), FrameFields.readKeys(in));
  }

  static void write(ByteWriter out, Frame.Push push) {
    out.varint(push.records().size());
    push.records().forEach(record -> RecordCodec.writeRecord(out, record));
  }

  static Frame.Push readPush(ByteReader in) {
    return new Frame.Push(FrameFields.readList(in, "records", RecordCodec::readRecord));
  }

  static void write(ByteWriter out, Frame.NotHolding notHolding) {
    FrameFields.writeKeys(out, notHolding.keys());
  }

  static Frame.NotHolding readNotHolding(ByteReader in) {
    return new Frame.NotHolding(FrameFields.readKeys(in));
  }

  static void write(ByteWriter out, Frame.Reads reads) {
    out.varint(reads.readings().size());
    for (Frame.Reading reading : reads.readings()) {
      RecordCodec.writeKey(out, reading.key());
      out.varint(reading.microReads());
    }
  }

  static Frame.Reads readReads(ByteReader in) {
    return new Frame.Reads(FrameFields.readList(in, "readings", PayloadsCodec::readReading));
  }

  private static Frame.Reading readReading(ByteReader in) {
    return new Frame.Reading(RecordCodec.readKey(in), FrameFields.readCounter(in, "reads"));
  }

  static void write(ByteWriter out, Frame.Copies copies) {
    RecordCodec.writeKey(out, copies.key());
    FrameFields.writeTimes(out, copies.leftMs());
  }

  static Frame.Copies readCopies(ByteReader in) {
    return new Frame.Copies(
        RecordCodec.readKey(in), FrameFields.readTimes(in, FrameCodec.MAX_REGIONS, "time left"));
  }

  static void write(ByteWriter out, Frame.Summary summary) {
    out.varint(summary.sequence());
    SummaryCodec.write(out, summary.summary());
  }

  static Frame.Summary readSummary(ByteReader in) {
    return new Frame.Summary(FrameFields.readCounter(in, "sequence"), SummaryCodec.read(in));
  }
}
