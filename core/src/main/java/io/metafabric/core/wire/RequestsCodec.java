package io.metafabric.core.wire;

import static io.metafabric.core.wire.FrameCodec.MAX_REGIONS;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;

/**
 * The bodies of frames by which one region asks another to do something with a key, and is told
 * what came of it: moves of homes, and shadows. docs/PROTOCOL.md has the bytes. Stateless.
 */
final class RequestsCodec {
  private RequestsCodec() {}

  static void write(ByteWriter out, Frame.MoveHome move) {
    out.varint(move.requestId());
    RecordCodec.writeKey(out, move.key());
    RecordCodec.writeRegion(out, move.to());
  }

  static Frame.MoveHome readMoveHome(ByteReader in) {
    return new Frame.MoveHome(
        in.varint("request"), RecordCodec.readKey(in), RecordCodec.readRegion(in));
  }

  static void write(ByteWriter out, Frame.Hold hold) {
    out.varint(hold.requestId());
    RecordCodec.writeRecord(out, hold.record());
  }

  static Frame.Hold readHold(ByteReader in) {
    return new Frame.Hold(in.varint("request"), RecordCodec.readRecord(in));
  }

  static void write(ByteWriter out, Frame.Done done) {
    out.varint(done.requestId());
    writeOutcome(out, done.outcome(), done.message());
  }

  static Frame.Done readDone(ByteReader in) {
    return new Frame.Done(
        in.varint("request"), readOutcome(in), FrameFields.readText(in, "outcome"));
  }

  private static void writeOutcome(ByteWriter out, MoveOutcome outcome, String message) {
    out.u8(outcome.code());
    FrameFields.writeMessage(out, message);
  }

  private static MoveOutcome readOutcome(ByteReader in) {
    int code = in.u8("outcome of a move");
    for (MoveOutcome outcome : MoveOutcome.values()) {
      if (outcome.code() == code) {
        return outcome;
      }
    }
    throw new WireFormatException("there is no outcome " + code + " of a move");
  }

  static void write(ByteWriter out, Frame.ShadowRequest request) {
    out.varint(request.requestId()).u8(request.verb().code());
    RecordCodec.writeKey(out, request.key());
    out.u8(request.reason().code()).varint(request.factor()).varint(request.ttlMs());
    FrameFields.writeOptionalDot(out, request.dot());
  }

  static Frame.ShadowRequest readShadowRequest(ByteReader in) {
    return new Frame.ShadowRequest(
        in.varint("request"),
        readVerb(in),
        RecordCodec.readKey(in),
        readReason(in),
        in.varint("factor", 0, MAX_REGIONS),
        FrameFields.readCounter(in, "time to live"),
        FrameFields.readOptionalDot(in, "has a shadow"));
  }

  private static ShadowVerb readVerb(ByteReader in) {
    int code = in.u8("what is asked about shadows");
    for (ShadowVerb verb : ShadowVerb.values()) {
      if (verb.code() == code) {
        return verb;
      }
    }
    throw new WireFormatException("nothing about shadows is asked with " + code);
  }

  private static ShadowReason readReason(ByteReader in) {
    int code = in.u8("reason of a shadow");
    for (ShadowReason reason : ShadowReason.values()) {
      if (reason.code() == code) {
        return reason;
      }
    }
    throw new WireFormatException("there is no reason " + code + " of a shadow");
  }

  static void write(ByteWriter out, Frame.HoldShadow hold) {
    out.varint(hold.requestId());
    RecordCodec.writeRecord(out, hold.record());
    out.u8(hold.reason().code()).varint(hold.factor()).varint(hold.ttlMs());
  }

  static Frame.HoldShadow readHoldShadow(ByteReader in) {
    return new Frame.HoldShadow(
        in.varint("request"),
        RecordCodec.readRecord(in),
        readReason(in),
        in.varint("factor", 0, MAX_REGIONS),
        FrameFields.readCounter(in, "time to live"));
  }

  static void write(ByteWriter out, Frame.ShadowReply reply) {
    out.varint(reply.requestId()).varint(reply.answers().size());
    for (Frame.ShadowAnswer answer : reply.answers()) {
      RecordCodec.writeRegion(out, answer.region());
      writeOutcome(out, answer.outcome(), answer.message());
      Frame.ShadowFacts facts = answer.facts();
      FrameFields.writeFlag(out, facts != null);
      if (facts != null) {
        RecordCodec.writeDot(out, facts.dot());
        out.u8(facts.reason().code());
        out.varint(facts.ageMs()).varint(facts.leftMs()).varint(facts.hits());
      }
    }
  }

  static Frame.ShadowReply readShadowReply(ByteReader in) {
    return new Frame.ShadowReply(
        in.varint("request"), FrameFields.readList(in, "answers", RequestsCodec::readShadowAnswer));
  }

  private static Frame.ShadowAnswer readShadowAnswer(ByteReader in) {
    return new Frame.ShadowAnswer(
        RecordCodec.readRegion(in),
        readOutcome(in),
        FrameFields.readText(in, "outcome"),
        FrameFields.readFlag(in, "shadow") ? readShadowFacts(in) : null);
  }

  private static Frame.ShadowFacts readShadowFacts(ByteReader in) {
    return new Frame.ShadowFacts(
        RecordCodec.readDot(in),
        readReason(in),
        FrameFields.readCounter(in, "age"),
        FrameFields.readCounter(in, "time left"),
        FrameFields.readCounter(in, "hits"));
  }
}
