package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.ConfigurationCodec;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of frames, protocol versions {@value #MIN_PROTOCOL} to {@value #PROTOCOL}. Stateless.
 *
 * <p>Hello, welcome and refuse are the same in all versions: they are what versions are agreed on
 * with. A later version adds frames; what a frame looks like does not change.
 *
 * <pre>
 * 0       4       8     9     10
 * +-------+-------+-----+-----+------------------+
 * | length| CRC32C|type |flags| body             |   big-endian
 * +-------+-------+-----+-----+------------------+
 *                 |<-------- length ------------>|
 * </pre>
 *
 * <p>The checksum is over type, flags and body. Flags are 0, or {@value #COMPRESSED} if the body is
 * the length of the plain one, as a varint, and the plain one compressed.
 */
public final class FrameCodec {
  /** The newest version. */
  public static final int PROTOCOL = 3;

  /** The oldest version that is still spoken. */
  public static final int MIN_PROTOCOL = 1;

  /** Length and checksum. */
  public static final int PREFIX_BYTES = 8;

  /** Type and flags: the least that a length can say. */
  public static final int MIN_LENGTH = 2;

  private static final int BODY_AT = PREFIX_BYTES + MIN_LENGTH;

  /** The largest {@code length} before the handshake is done. */
  public static final int MAX_HANDSHAKE_BYTES = 256 * 1024;

  /**
   * By so much a frame may be longer than the largest payload: enough for {@link
   * RecordCodec#MAX_BYTES_BESIDE_PAYLOAD}, and for all that is said in a frame beside a record.
   */
  public static final int MAX_BYTES_BESIDE_PAYLOAD = 256 * 1024;

  private static final int COMPRESSED = 1;

  /** A shorter body is not worth the attempt. */
  private static final int MIN_COMPRESSED_BYTES = 256;

  /** A cluster has no more. */
  public static final int MAX_REGIONS = 64;

  private static final int MAX_TEXT_BYTES = 1024;

  private static final int HELLO = 1;
  private static final int WELCOME = 2;
  private static final int REFUSE = 3;
  private static final int HEARTBEAT = 4;
  private static final int HEARTBEAT_REPLY = 5;
  private static final int CHANGES = 6;
  private static final int ACK = 7;
  private static final int FETCH = 8;
  private static final int FETCH_REPLY = 9;
  private static final int PUSH = 10;
  private static final int NOT_HOLDING = 11;
  private static final int CREDIT = 12;
  private static final int COMPARE = 14;
  private static final int COMPARED = 15;
  private static final int DOTS = 16;
  private static final int REPAIR = 17;
  private static final int PROGRESS = 18;
  private static final int MOVE_HOME = 19;
  private static final int HOLD = 20;
  private static final int DONE = 21;
  private static final int CONFIGURED = 22;
  private static final int HURRY = 23;
  private static final int FORGET = 24;
  private static final int CUT_OFF = 25;
  private static final int STANDING = 26;
  private static final int DELTAS = 27;
  private static final int NO_BASE = 28;
  private static final int READS = 29;
  private static final int SHADOW_REQUEST = 32;
  private static final int HOLD_SHADOW = 33;
  private static final int SHADOW_REPLY = 34;
  private static final int PART = 35;
  private static final int WHOLE = 36;
  private static final int SUMMARY = 37;

  private static final int FOUND = 1;
  private static final int NOT_HELD = 2;
  private static final int UNKNOWN = 3;
  private static final int SUPERSEDED = 4;

  private FrameCodec() {}

  /** The whole frame, length and checksum included. */
  public static byte[] encode(Frame frame) {
    return encode(frame, null);
  }

  /**
   * The same, with the body of a data frame compressed where that makes it shorter.
   *
   * @param compression null for none
   */
  public static byte[] encode(Frame frame, @Nullable Compression compression) {
    return encode(frame, compression, new ByteWriter(estimatedBytes(frame)));
  }

  /**
   * The same by a writer that serves one frame after the other.
   *
   * @param out what is in it is forgotten
   */
  public static byte[] encode(Frame frame, @Nullable Compression compression, ByteWriter out) {
    out.reset(Integer.MAX_VALUE);
    out.i32(0).i32(0);
    var encoder = new Encoder(out);
    frame.deliverTo(encoder);
    byte[] smaller = compression == null || frame.isControl() ? null : compressed(out, compression);
    if (smaller != null) {
      int plain = out.length() - BODY_AT;
      int type = out.array()[PREFIX_BYTES];
      out.reset(Integer.MAX_VALUE);
      out.i32(0).i32(0).u8(type).u8(COMPRESSED).varint(plain).bytes(smaller);
    }
    out.putI32At(0, out.length() - PREFIX_BYTES);
    out.putI32At(4, out.crc32c(PREFIX_BYTES));
    return out.toArray();
  }

  private static byte @Nullable [] compressed(ByteWriter plain, Compression compression) {
    int length = plain.length() - BODY_AT;
    return length < MIN_COMPRESSED_BYTES
        ? null
        : compression.compress(plain.array(), BODY_AT, length);
  }

  /**
   * How long an encoded frame is where it is not compressed, as the {@code length} in front of it
   * says: what the other side's bound is about.
   */
  public static int plainLength(byte[] encoded) {
    if (encoded[PREFIX_BYTES + 1] != COMPRESSED) {
      return encoded.length - PREFIX_BYTES;
    }
    var body = ByteBuffer.wrap(encoded, BODY_AT, encoded.length - BODY_AT);
    return MIN_LENGTH + new ByteReader(body).varint("plain length", 1, Integer.MAX_VALUE);
  }

  private static int estimatedBytes(Frame frame) {
    if (frame instanceof Frame.Changes changes) {
      return estimatedBytes(changes);
    }
    if (frame instanceof Frame.Part part) {
      return estimatedBytes(part.changes());
    }
    if (frame instanceof Frame.Deltas deltas) {
      return estimatedBytes(deltas.changes())
          + deltas.deltas().stream().mapToInt(each -> 32 + each.bytes().length()).sum();
    }
    return 256;
  }

  private static int estimatedBytes(Frame.Changes changes) {
    return 64 + changes.records().stream().mapToInt(RecordCodec::estimatedBytes).sum();
  }

  /**
   * Decodes one frame that is not compressed.
   *
   * @param in what follows the length: checksum, type, flags, body, and nothing else
   * @return null for a frame of a type that this version does not know: it is to be skipped
   * @throws WireFormatException if it is damaged or malformed
   */
  public static @Nullable Frame decode(ByteBuffer in) {
    return decodePlain(plain(in, null, 0));
  }

  /**
   * What {@link #decodePlain} takes: type, flags and body, checked against the checksum, and
   * decompressed if need be.
   *
   * @param in what follows the length
   * @param compression null if nothing may be compressed
   * @param maxPlainBytes bounds what a compressed frame may become, before memory is taken for it
   * @throws WireFormatException if it is damaged, or compressed and may not be, or too long
   */
  public static ByteBuffer plain(
      ByteBuffer in, @Nullable Compression compression, int maxPlainBytes) {
    if (in.remaining() < Integer.BYTES + MIN_LENGTH) {
      throw new WireFormatException("a frame of " + in.remaining() + " bytes is too short");
    }
    int said = in.getInt();
    int is = Checksums.crc32c(in);
    if (said != is) {
      throw new WireFormatException("a frame of " + in.remaining() + " bytes has a bad checksum");
    }
    byte type = in.get(in.position());
    boolean unknown = !isKnown(type & 0xff);
    if (compression == null || unknown || in.get(in.position() + 1) != COMPRESSED) {
      return in;
    }
    in.position(in.position() + MIN_LENGTH);
    int plainBytes = new ByteReader(in).varint("plain length", 1, maxPlainBytes - MIN_LENGTH);
    var plain = new byte[MIN_LENGTH + plainBytes];
    plain[0] = type;
    compression.decompress(in, plain, MIN_LENGTH);
    return ByteBuffer.wrap(plain);
  }

  /**
   * Decodes what {@link #plain} returned.
   *
   * @return null for a frame of a type that no version here knows: it is to be skipped, as is one
   *     that the version spoken does not have ({@link Frame#since})
   * @throws WireFormatException if it is malformed
   */
  public static @Nullable Frame decodePlain(ByteBuffer in) {
    var reader = new ByteReader(in);
    int type = reader.u8("frame type");
    int flags = reader.u8("frame flags");
    if (!isKnown(type)) {
      return null;
    }
    if (flags != 0) {
      throw new WireFormatException("frame type " + type + " has unknown flags " + flags);
    }
    Frame frame = decodeBody(type, reader);
    reader.end("frame type " + type);
    return frame;
  }

  private static boolean isKnown(int type) {
    return type <= CREDIT
        || (type >= COMPARE && type <= READS)
        || (type >= SHADOW_REQUEST && type <= SUMMARY);
  }

  private static Frame decodeBody(int type, ByteReader in) {
    return switch (type) {
      case HELLO ->
          new Frame.Hello(
              in.varint("min protocol", 0, Integer.MAX_VALUE),
              in.varint("max protocol", 0, Integer.MAX_VALUE),
              in.text("cluster", MAX_TEXT_BYTES),
              RecordCodec.readRegion(in),
              in.i64("node id"),
              new ActorId(in.i64("actor")),
              readRegions(in),
              in.varint("max value bytes", 1, Integer.MAX_VALUE),
              readConflictRules(in),
              readBelonging(in));
      case WELCOME ->
          new Frame.Welcome(
              in.varint("protocol", 0, Integer.MAX_VALUE),
              in.text("cluster", MAX_TEXT_BYTES),
              RecordCodec.readRegion(in),
              in.i64("node id"),
              RecordCodec.readVector(in));
      case REFUSE -> new Frame.Refuse(readRefusal(in), in.text("refusal", MAX_TEXT_BYTES));
      case HEARTBEAT ->
          new Frame.Heartbeat(in.varint("sequence"), in.i64("wall clock"), readBacklog(in));
      case HEARTBEAT_REPLY -> new Frame.HeartbeatReply(in.varint("sequence"), in.i64("wall clock"));
      case CHANGES -> readChanges(in);
      case ACK ->
          new Frame.Ack(
              new ActorId(in.i64("actor")), readCounter(in, "counter"), readFlag(in, "resend"));
      case FETCH ->
          new Frame.Fetch(
              in.varint("request"),
              readFlag(in, "prefetch"),
              readList(in, "wanted keys", FrameCodec::readWanted));
      case FETCH_REPLY ->
          new Frame.FetchReply(
              in.varint("request"), readList(in, "answers", FrameCodec::readAnswer));
      case PUSH -> new Frame.Push(readList(in, "records", RecordCodec::readRecord));
      case NOT_HOLDING -> new Frame.NotHolding(readList(in, "keys", RecordCodec::readKey));
      case PROGRESS -> new Frame.Progress(readFlag(in, "whole"), RecordCodec.readVector(in));
      case STANDING -> readStanding(in);
      case MOVE_HOME ->
          new Frame.MoveHome(
              in.varint("request"), RecordCodec.readKey(in), RecordCodec.readRegion(in));
      case HOLD -> new Frame.Hold(in.varint("request"), RecordCodec.readRecord(in));
      case DONE ->
          new Frame.Done(in.varint("request"), readOutcome(in), in.text("outcome", MAX_TEXT_BYTES));
      case CREDIT ->
          new Frame.Credit(in.varint("credit", 0, Integer.MAX_VALUE), readFlag(in, "compressed"));
      case COMPARE -> readCompare(in);
      case COMPARED -> readCompared(in);
      case DOTS -> readDots(in);
      case REPAIR -> readRepair(in);
      case CONFIGURED -> readConfigured(in);
      case HURRY -> new Frame.Hurry(in.varint("request"), RecordCodec.readKey(in));
      case FORGET ->
          new Frame.Forget(in.varint("request"), readList(in, "keys", RecordCodec::readKey));
      case CUT_OFF -> new Frame.CutOff(readRefusal(in), in.text("why", MAX_TEXT_BYTES));
      case DELTAS -> DeltasCodec.read(in, readChanges(in));
      case READS -> new Frame.Reads(readList(in, "readings", FrameCodec::readReading));
      case PART -> new Frame.Part(readChanges(in));
      case SUMMARY -> new Frame.Summary(readCounter(in, "sequence"), SummaryCodec.read(in));
      case WHOLE -> new Frame.Whole(RecordCodec.readVector(in));
      case NO_BASE -> new Frame.NoBase(readList(in, "keys", RecordCodec::readKey));
      case SHADOW_REQUEST -> readShadowRequest(in);
      case HOLD_SHADOW ->
          new Frame.HoldShadow(
              in.varint("request"),
              RecordCodec.readRecord(in),
              readReason(in),
              in.varint("factor", 0, MAX_REGIONS),
              readCounter(in, "time to live"));
      case SHADOW_REPLY ->
          new Frame.ShadowReply(
              in.varint("request"), readList(in, "answers", FrameCodec::readShadowAnswer));
      default -> throw new WireFormatException("there is no frame type " + type);
    };
  }

  private static Frame.Reading readReading(ByteReader in) {
    return new Frame.Reading(RecordCodec.readKey(in), readCounter(in, "reads"));
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

  private static Frame.ShadowRequest readShadowRequest(ByteReader in) {
    return new Frame.ShadowRequest(
        in.varint("request"),
        readVerb(in),
        RecordCodec.readKey(in),
        readReason(in),
        in.varint("factor", 0, MAX_REGIONS),
        readCounter(in, "time to live"),
        readFlag(in, "has a shadow") ? RecordCodec.readDot(in) : null);
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

  private static Frame.ShadowAnswer readShadowAnswer(ByteReader in) {
    return new Frame.ShadowAnswer(
        RecordCodec.readRegion(in),
        readOutcome(in),
        in.text("outcome", MAX_TEXT_BYTES),
        readFlag(in, "shadow") ? readShadowFacts(in) : null);
  }

  private static Frame.ShadowFacts readShadowFacts(ByteReader in) {
    return new Frame.ShadowFacts(
        RecordCodec.readDot(in),
        readReason(in),
        readCounter(in, "age"),
        readCounter(in, "time left"),
        readCounter(in, "hits"));
  }

  private static Frame.Standing readStanding(ByteReader in) {
    long sequence = in.varint("sequence");
    boolean known = readFlag(in, "known");
    long ownMs = readCounter(in, "its own age");
    if (!known && ownMs != 0) {
      throw new WireFormatException("an age that is not known is " + ownMs);
    }
    var others = new TreeMap<RegionName, Long>();
    int count = in.varint("regions", 0, in.remaining() / 3);
    for (int i = 0; i < count; i++) {
      RegionName region = RecordCodec.readRegion(in);
      if (!others.isEmpty() && others.lastKey().compareTo(region) >= 0) {
        throw new WireFormatException("the regions are not in order at " + region);
      }
      others.put(region, readCounter(in, "age"));
    }
    return new Frame.Standing(
        sequence,
        known ? ownMs : Frame.Standing.UNKNOWN,
        others,
        readFlag(in, "whole"),
        RecordCodec.readVector(in));
  }

  private static Frame.Backlog readBacklog(ByteReader in) {
    return new Frame.Backlog(
        readFlag(in, "acknowledged"),
        readFlag(in, "up to date"),
        readFlag(in, "paused"),
        readCounter(in, "changes that wait"),
        readCounter(in, "their age"));
  }

  private static Frame.Changes readChanges(ByteReader in) {
    var actor = new ActorId(in.i64("actor"));
    long after = readCounter(in, "after");
    long upTo = readCounter(in, "up to");
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

  private static Frame.Compare readCompare(ByteReader in) {
    long request = in.varint("request");
    long salt = in.i64("salt");
    int depth = readDepth(in);
    int count = in.varint("families", 0, in.remaining() / Frame.Family.BYTES);
    var families = new ArrayList<Frame.Family>(count);
    int parent = -1;
    for (int i = 0; i < count; i++) {
      parent = readPath(in, parent, depth - HeaderTree.STEP);
      families.add(new Frame.Family(parent, in.payload(Frame.Family.BYTES, "digests")));
    }
    return new Frame.Compare(request, salt, depth, families);
  }

  private static int readDepth(ByteReader in) {
    int depth = in.u8("depth");
    if (depth < HeaderTree.STEP || depth > HeaderTree.MAX_DEPTH || depth % HeaderTree.STEP != 0) {
      throw new WireFormatException("there are no nodes at depth " + depth);
    }
    return depth;
  }

  /** Paths ascend; each is told by how many lie between it and the one before. */
  private static int readPath(ByteReader in, int before, int depth) {
    int end = 1 << depth;
    return before + 1 + in.varint("path", 0, end - before - 2);
  }

  private static Frame.Compared readCompared(ByteReader in) {
    long request = in.varint("request");
    long keys = readCounter(in, "keys");
    int count = in.varint("families", 0, in.remaining() / 3);
    var differing = new ArrayList<Frame.Differing>(count);
    int parent = -1;
    for (int i = 0; i < count; i++) {
      parent = readPath(in, parent, HeaderTree.MAX_DEPTH - HeaderTree.STEP);
      int children = in.u8("children") << Byte.SIZE | in.u8("children");
      if (children == 0) {
        throw new WireFormatException("a family that does not differ");
      }
      differing.add(new Frame.Differing(parent, children));
    }
    return new Frame.Compared(request, keys, differing);
  }

  private static Frame.Dots readDots(ByteReader in) {
    long request = in.varint("request");
    int depth = readDepth(in);
    DotsCodec dots = DotsCodec.begin(in);
    int count = in.varint("nodes", 0, in.remaining() / 2);
    var nodes = new ArrayList<Frame.Below>(Math.min(count, 1024));
    int prefix = -1;
    for (int i = 0; i < count; i++) {
      prefix = readPath(in, prefix, depth);
      nodes.add(new Frame.Below(prefix, dots.read(in)));
    }
    dots.end();
    return new Frame.Dots(request, depth, nodes);
  }

  private static Frame.Repair readRepair(ByteReader in) {
    long request = in.varint("request");
    int part = in.varint("part", 0, Integer.MAX_VALUE);
    boolean last = readFlag(in, "last");
    DotsCodec dots = DotsCodec.begin(in);
    List<Dot> wanted = dots.read(in);
    dots.end();
    return new Frame.Repair(
        request, part, last, wanted, readList(in, "records", RecordCodec::readRecord));
  }

  private static long readCounter(ByteReader in, String what) {
    long counter = in.varint(what);
    if (counter < 0) {
      throw new WireFormatException(what + " must be >= 0, was " + counter);
    }
    return counter;
  }

  private static List<RegionName> readRegions(ByteReader in) {
    int count = in.varint("regions", 1, MAX_REGIONS);
    var regions = new ArrayList<RegionName>(count);
    for (int i = 0; i < count; i++) {
      regions.add(RecordCodec.readRegion(in));
    }
    return regions;
  }

  private static SortedMap<String, String> readConflictRules(ByteReader in) {
    int count = in.varint("conflict rules", 0, ConflictRules.MAX_NAMESPACES);
    var rules = new TreeMap<String, String>();
    for (int i = 0; i < count; i++) {
      String namespace = in.text("namespace", Key.MAX_NAMESPACE_LENGTH);
      if (!rules.isEmpty() && rules.lastKey().compareTo(namespace) >= 0) {
        throw new WireFormatException("the conflict rules are not in order at " + namespace);
      }
      rules.put(namespace, in.text("conflict rule", 2 * ConflictRule.MAX_NAME_LENGTH));
    }
    return rules;
  }

  private static Frame.Belonging readBelonging(ByteReader in) {
    int count = in.varint("fixed homes", 0, HomeLookup.MAX_FIXED_HOMES);
    var homes = new TreeMap<String, Homes>();
    for (int i = 0; i < count; i++) {
      String namespace = in.text("namespace", Key.MAX_NAMESPACE_LENGTH);
      if (!homes.isEmpty() && homes.lastKey().compareTo(namespace) >= 0) {
        throw new WireFormatException("the fixed homes are not in order at " + namespace);
      }
      RegionName home = RecordCodec.readRegion(in);
      homes.put(
          namespace, new Homes(home, readFlag(in, "backup") ? RecordCodec.readRegion(in) : null));
    }
    Configuration configuration = ConfigurationCodec.read(in);
    return new Frame.Belonging(homes, configuration, readCounter(in, "admitted"));
  }

  private static Frame.Configured readConfigured(ByteReader in) {
    Configuration configuration = ConfigurationCodec.read(in);
    int count = in.varint("applied regions", 0, MAX_REGIONS);
    var applied = new TreeMap<RegionName, VersionVector>();
    for (int i = 0; i < count; i++) {
      RegionName region = RecordCodec.readRegion(in);
      if (!applied.isEmpty() && applied.lastKey().compareTo(region) >= 0) {
        throw new WireFormatException("what is applied is not in order at " + region);
      }
      applied.put(region, RecordCodec.readVector(in));
    }
    return new Frame.Configured(configuration, applied);
  }

  private static Refusal readRefusal(ByteReader in) {
    int code = in.u8("refusal code");
    for (Refusal refusal : Refusal.values()) {
      if (refusal.code() == code) {
        return refusal;
      }
    }
    throw new WireFormatException("there is no refusal code " + code);
  }

  private static boolean readFlag(ByteReader in, String what) {
    int flag = in.u8(what);
    if (flag > 1) {
      throw new WireFormatException(what + " must be 0 or 1, was " + flag);
    }
    return flag == 1;
  }

  private static Frame.Wanted readWanted(ByteReader in) {
    Key key = RecordCodec.readKey(in);
    return new Frame.Wanted(key, readFlag(in, "known") ? RecordCodec.readDot(in) : null);
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

  private static <T> List<T> readList(ByteReader in, String what, Function<ByteReader, T> item) {
    // Every item has at least two bytes, so the count cannot claim more than what is there.
    int count = in.varint(what, 0, in.remaining() / 2);
    var items = new ArrayList<T>(Math.min(count, 1024));
    for (int i = 0; i < count; i++) {
      items.add(item.apply(in));
    }
    return items;
  }

  /** Messages name all regions, which may be more than fit; the beginning says most. */
  private static String fitting(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    if (utf8.length <= MAX_TEXT_BYTES) {
      return text;
    }
    int end = MAX_TEXT_BYTES;
    while ((utf8[end] & 0xc0) == 0x80) {
      end--;
    }
    return new String(utf8, 0, end, StandardCharsets.UTF_8);
  }

  private record Encoder(ByteWriter out) implements Frame.Handler {
    private ByteWriter begin(int type) {
      return out.u8(type).u8(0);
    }

    @Override
    public void onHello(Frame.Hello hello) {
      begin(HELLO)
          .varint(hello.minProtocol())
          .varint(hello.maxProtocol())
          .text(hello.cluster())
          .text(hello.region().name())
          .i64(hello.nodeId())
          .i64(hello.actor().id())
          .varint(hello.regions().size());
      hello.regions().forEach(region -> RecordCodec.writeRegion(out, region));
      out.varint(hello.maxValueBytes());
      out.varint(hello.conflictRules().size());
      hello.conflictRules().forEach((namespace, rule) -> out.text(namespace).text(rule));
      out.varint(hello.belonging().fixedHomes().size());
      hello.belonging().fixedHomes().forEach(this::writeFixedHomes);
      ConfigurationCodec.write(out, hello.belonging().configuration());
      out.varint(hello.belonging().admitted());
    }

    private void writeFixedHomes(String namespace, Homes homes) {
      out.text(namespace);
      RecordCodec.writeRegion(out, homes.home());
      RegionName backup = homes.backup();
      out.u8(backup == null ? 0 : 1);
      if (backup != null) {
        RecordCodec.writeRegion(out, backup);
      }
    }

    @Override
    public void onConfigured(Frame.Configured configured) {
      begin(CONFIGURED);
      ConfigurationCodec.write(out, configured.configuration());
      out.varint(configured.applied().size());
      configured
          .applied()
          .forEach(
              (region, applied) -> {
                RecordCodec.writeRegion(out, region);
                RecordCodec.writeVector(out, applied);
              });
    }

    @Override
    public void onWelcome(Frame.Welcome welcome) {
      begin(WELCOME)
          .varint(welcome.protocol())
          .text(welcome.cluster())
          .text(welcome.region().name())
          .i64(welcome.nodeId());
      RecordCodec.writeVector(out, welcome.applied());
    }

    @Override
    public void onRefuse(Frame.Refuse refuse) {
      begin(REFUSE).u8(refuse.reason().code()).text(fitting(refuse.message()));
    }

    @Override
    public void onCutOff(Frame.CutOff cutOff) {
      begin(CUT_OFF).u8(cutOff.reason().code()).text(fitting(cutOff.message()));
    }

    @Override
    public void onHeartbeat(Frame.Heartbeat heartbeat) {
      Frame.Backlog backlog = heartbeat.backlog();
      begin(HEARTBEAT)
          .varint(heartbeat.sequence())
          .i64(heartbeat.wallMs())
          .u8(backlog.allAcknowledged() ? 1 : 0)
          .u8(backlog.upToDate() ? 1 : 0)
          .u8(backlog.paused() ? 1 : 0)
          .varint(backlog.changes())
          .varint(backlog.oldestMs());
    }

    @Override
    public void onHeartbeatReply(Frame.HeartbeatReply reply) {
      begin(HEARTBEAT_REPLY).varint(reply.sequence()).i64(reply.wallMs());
    }

    @Override
    public void onChanges(Frame.Changes changes) {
      begin(CHANGES);
      writeChanges(changes);
    }

    private void writeChanges(Frame.Changes changes) {
      out.i64(changes.actor().id())
          .varint(changes.after())
          .varint(changes.upTo())
          .varint(changes.records().size());
      var codec = new ChangesCodec(changes.actor(), changes.after());
      changes.records().forEach(record -> codec.write(out, record));
    }

    @Override
    public void onDeltas(Frame.Deltas deltas) {
      begin(DELTAS);
      writeChanges(deltas.changes());
      DeltasCodec.write(out, deltas);
    }

    @Override
    public void onReads(Frame.Reads reads) {
      begin(READS).varint(reads.readings().size());
      for (Frame.Reading reading : reads.readings()) {
        RecordCodec.writeKey(out, reading.key());
        out.varint(reading.microReads());
      }
    }

    @Override
    public void onSummary(Frame.Summary summary) {
      begin(SUMMARY).varint(summary.sequence());
      SummaryCodec.write(out, summary.summary());
    }

    @Override
    public void onPart(Frame.Part part) {
      begin(PART);
      writeChanges(part.changes());
    }

    @Override
    public void onWhole(Frame.Whole whole) {
      begin(WHOLE);
      RecordCodec.writeVector(out, whole.upTo());
    }

    @Override
    public void onNoBase(Frame.NoBase noBase) {
      begin(NO_BASE).varint(noBase.keys().size());
      noBase.keys().forEach(key -> RecordCodec.writeKey(out, key));
    }

    @Override
    public void onAck(Frame.Ack ack) {
      begin(ACK).i64(ack.actor().id()).varint(ack.counter()).u8(ack.resend() ? 1 : 0);
    }

    @Override
    public void onFetch(Frame.Fetch fetch) {
      begin(FETCH)
          .varint(fetch.requestId())
          .u8(fetch.prefetch() ? 1 : 0)
          .varint(fetch.wanted().size());
      for (Frame.Wanted wanted : fetch.wanted()) {
        RecordCodec.writeKey(out, wanted.key());
        Dot atLeast = wanted.atLeast();
        out.u8(atLeast == null ? 0 : 1);
        if (atLeast != null) {
          RecordCodec.writeDot(out, atLeast);
        }
      }
    }

    @Override
    public void onHurry(Frame.Hurry hurry) {
      begin(HURRY).varint(hurry.requestId());
      RecordCodec.writeKey(out, hurry.key());
    }

    @Override
    public void onForget(Frame.Forget forget) {
      begin(FORGET).varint(forget.requestId()).varint(forget.keys().size());
      forget.keys().forEach(key -> RecordCodec.writeKey(out, key));
    }

    @Override
    public void onFetchReply(Frame.FetchReply reply) {
      begin(FETCH_REPLY).varint(reply.requestId()).varint(reply.answers().size());
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

    @Override
    public void onPush(Frame.Push push) {
      begin(PUSH).varint(push.records().size());
      push.records().forEach(record -> RecordCodec.writeRecord(out, record));
    }

    @Override
    public void onNotHolding(Frame.NotHolding notHolding) {
      begin(NOT_HOLDING).varint(notHolding.keys().size());
      notHolding.keys().forEach(key -> RecordCodec.writeKey(out, key));
    }

    @Override
    public void onProgress(Frame.Progress progress) {
      begin(PROGRESS).u8(progress.whole() ? 1 : 0);
      RecordCodec.writeVector(out, progress.applied());
    }

    @Override
    public void onStanding(Frame.Standing standing) {
      boolean known = standing.ownMs() != Frame.Standing.UNKNOWN;
      begin(STANDING).varint(standing.sequence()).u8(known ? 1 : 0);
      out.varint(known ? standing.ownMs() : 0).varint(standing.othersMs().size());
      standing
          .othersMs()
          .forEach(
              (region, ms) -> {
                RecordCodec.writeRegion(out, region);
                out.varint(ms);
              });
      out.u8(standing.whole() ? 1 : 0);
      RecordCodec.writeVector(out, standing.applied());
    }

    @Override
    public void onMoveHome(Frame.MoveHome move) {
      begin(MOVE_HOME).varint(move.requestId());
      RecordCodec.writeKey(out, move.key());
      RecordCodec.writeRegion(out, move.to());
    }

    @Override
    public void onHold(Frame.Hold hold) {
      begin(HOLD).varint(hold.requestId());
      RecordCodec.writeRecord(out, hold.record());
    }

    @Override
    public void onDone(Frame.Done done) {
      begin(DONE).varint(done.requestId()).u8(done.outcome().code()).text(fitting(done.message()));
    }

    @Override
    public void onShadowRequest(Frame.ShadowRequest request) {
      begin(SHADOW_REQUEST).varint(request.requestId()).u8(request.verb().code());
      RecordCodec.writeKey(out, request.key());
      out.u8(request.reason().code()).varint(request.factor()).varint(request.ttlMs());
      Dot dot = request.dot();
      out.u8(dot == null ? 0 : 1);
      if (dot != null) {
        RecordCodec.writeDot(out, dot);
      }
    }

    @Override
    public void onHoldShadow(Frame.HoldShadow hold) {
      begin(HOLD_SHADOW).varint(hold.requestId());
      RecordCodec.writeRecord(out, hold.record());
      out.u8(hold.reason().code()).varint(hold.factor()).varint(hold.ttlMs());
    }

    @Override
    public void onShadowReply(Frame.ShadowReply reply) {
      begin(SHADOW_REPLY).varint(reply.requestId()).varint(reply.answers().size());
      for (Frame.ShadowAnswer answer : reply.answers()) {
        RecordCodec.writeRegion(out, answer.region());
        out.u8(answer.outcome().code()).text(fitting(answer.message()));
        Frame.ShadowFacts facts = answer.facts();
        out.u8(facts == null ? 0 : 1);
        if (facts != null) {
          RecordCodec.writeDot(out, facts.dot());
          out.u8(facts.reason().code());
          out.varint(facts.ageMs()).varint(facts.leftMs()).varint(facts.hits());
        }
      }
    }

    @Override
    public void onCredit(Frame.Credit credit) {
      begin(CREDIT).varint(credit.bytes()).u8(credit.takesCompressed() ? 1 : 0);
    }

    @Override
    public void onCompare(Frame.Compare compare) {
      begin(COMPARE)
          .varint(compare.request())
          .i64(compare.salt())
          .u8(compare.depth())
          .varint(compare.families().size());
      int before = -1;
      for (Frame.Family family : compare.families()) {
        out.varint(family.parent() - before - 1).bytes(family.digests());
        before = family.parent();
      }
    }

    @Override
    public void onCompared(Frame.Compared compared) {
      begin(COMPARED)
          .varint(compared.request())
          .varint(compared.keys())
          .varint(compared.differing().size());
      int before = -1;
      for (Frame.Differing differing : compared.differing()) {
        int children = differing.children();
        out.varint(differing.parent() - before - 1).u8(children >>> Byte.SIZE).u8(children & 0xff);
        before = differing.parent();
      }
    }

    @Override
    public void onDots(Frame.Dots dots) {
      begin(DOTS).varint(dots.request()).u8(dots.depth());
      var actors = DotsCodec.begin(out, dots.nodes().stream().map(Frame.Below::dots).toList());
      out.varint(dots.nodes().size());
      int before = -1;
      for (Frame.Below below : dots.nodes()) {
        out.varint(below.prefix() - before - 1);
        DotsCodec.write(out, actors, below.dots());
        before = below.prefix();
      }
    }

    @Override
    public void onRepair(Frame.Repair repair) {
      begin(REPAIR).varint(repair.request()).varint(repair.part()).u8(repair.last() ? 1 : 0);
      var actors = DotsCodec.begin(out, List.of(repair.wanted()));
      DotsCodec.write(out, actors, repair.wanted());
      out.varint(repair.records().size());
      repair.records().forEach(record -> RecordCodec.writeRecord(out, record));
    }
  }
}
