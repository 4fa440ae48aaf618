package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;

/**
 * The bodies of frames by which two nodes tell each other how things stand: heartbeats and their
 * answers, standing, progress, credit. docs/PROTOCOL.md has the bytes. Stateless.
 */
final class StandingCodec {
  private StandingCodec() {}

  static void write(ByteWriter out, Frame.Heartbeat heartbeat) {
    Frame.Backlog backlog = heartbeat.backlog();
    out.varint(heartbeat.sequence())
        .i64(heartbeat.wallMs())
        .u8(backlog.allAcknowledged() ? 1 : 0)
        .u8(backlog.upToDate() ? 1 : 0)
        .u8(backlog.paused() ? 1 : 0)
        .varint(backlog.changes())
        .varint(backlog.oldestMs());
  }

  static Frame.Heartbeat readHeartbeat(ByteReader in) {
    return new Frame.Heartbeat(in.varint("sequence"), in.i64("wall clock"), readBacklog(in));
  }

  private static Frame.Backlog readBacklog(ByteReader in) {
    return new Frame.Backlog(
        FrameFields.readFlag(in, "acknowledged"),
        FrameFields.readFlag(in, "up to date"),
        FrameFields.readFlag(in, "paused"),
        FrameFields.readCounter(in, "changes that wait"),
        FrameFields.readCounter(in, "their age"));
  }

  static void write(ByteWriter out, Frame.HeartbeatReply reply) {
    out.varint(reply.sequence()).i64(reply.wallMs());
  }

  static Frame.HeartbeatReply readHeartbeatReply(ByteReader in) {
    return new Frame.HeartbeatReply(in.varint("sequence"), in.i64("wall clock"));
  }

  static void write(ByteWriter out, Frame.Standing standing) {
    boolean known = standing.ownMs() != Frame.Standing.UNKNOWN;
    out.varint(standing.sequence()).u8(known ? 1 : 0);
    out.varint(known ? standing.ownMs() : 0);
    FrameFields.writeTimes(out, standing.othersMs());
    out.u8(standing.whole() ? 1 : 0);
    RecordCodec.writeVector(out, standing.applied());
  }

  static Frame.Standing readStanding(ByteReader in) {
    long sequence = in.varint("sequence");
    boolean known = FrameFields.readFlag(in, "known");
    long ownMs = FrameFields.readCounter(in, "its own age");
    if (!known && ownMs != 0) {
      throw new WireFormatException("an age that is not known is " + ownMs);
    }
    return new Frame.Standing(
        sequence,
        known ? ownMs : Frame.Standing.UNKNOWN,
        FrameFields.readTimes(in, Integer.MAX_VALUE, "age"),
        FrameFields.readFlag(in, "whole"),
        RecordCodec.readVector(in));
  }

  static void write(ByteWriter out, Frame.Progress progress) {
    FrameFields.writeFlag(out, progress.whole());
    RecordCodec.writeVector(out, progress.applied());
  }

  static Frame.Progress readProgress(ByteReader in) {
    return new Frame.Progress(FrameFields.readFlag(in, "whole"), RecordCodec.readVector(in));
  }

  static void write(ByteWriter out, Frame.Credit credit) {
    out.varint(credit.bytes()).u8(credit.takesCompressed() ? 1 : 0);
  }

  static Frame.Credit readCredit(ByteReader in) {
    return new Frame.Credit(
        in.varint("credit", 0, Integer.MAX_VALUE), FrameFields.readFlag(in, "compressed"));
  }
}
