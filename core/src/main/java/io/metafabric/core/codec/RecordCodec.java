package io.metafabric.core.codec;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of keys, versions, headers and records, the same in the journal and on the wire.
 * docs/FORMAT.md draws them. Stateless.
 */
public final class RecordCodec {
  /** Actor and counter. */
  private static final int MIN_ENTRY_BYTES = 9;

  /** The same by estimate. */
  private static final int MAX_ENTRY_BYTES = 18;

  /**
   * What a record takes at most beside its payload, or the payloads of all its siblings: its key,
   * its headers, and a context of {@link Version#MAX_CONTEXT_ENTRIES}.
   */
  public static final int MAX_BYTES_BESIDE_PAYLOAD =
      MAX_ENTRY_BYTES * Version.MAX_CONTEXT_ENTRIES + (16 << 10);

  private static final int TOMBSTONE = 1;
  private static final int EXPIRES = 2;
  private static final int LONE_DOTS = 4;
  private static final int MERGED = 8;
  private static final int KNOWN_HEADER_FLAGS = TOMBSTONE | EXPIRES | LONE_DOTS | MERGED;

  private static final int PAYLOAD = 1;
  private static final int SIBLINGS = 2;

  private RecordCodec() {}

  public static void writeKey(ByteWriter out, Key key) {
    out.varint(key.utf8Length()).bytes(key.toUtf8());
  }

  public static Key readKey(ByteReader in) {
    return readKey(in, null);
  }

  private static Key readKey(ByteReader in, @Nullable Key expected) {
    byte[] utf8 = in.bytes(in.varint("key length", 1, Key.MAX_ENCODED_BYTES), "key");
    if (expected != null && expected.isSurely(utf8)) {
      return expected;
    }
    try {
      return Key.fromUtf8(utf8);
    } catch (InvalidKeyException e) {
      throw new WireFormatException("not a key: " + e.getMessage(), e);
    }
  }

  public static void writeRegion(ByteWriter out, RegionName region) {
    out.text(region.name());
  }

  public static RegionName readRegion(ByteReader in) {
    try {
      return RegionName.decode(
          in.bytes(in.varint("length of a text", 0, RegionName.MAX_LENGTH), "region name"));
    } catch (ConfigurationException e) {
      throw new WireFormatException("not a region: " + e.getMessage(), e);
    }
  }

  public static void writeDot(ByteWriter out, Dot dot) {
    out.i64(dot.actor().id()).varint(dot.counter());
  }

  public static Dot readDot(ByteReader in) {
    var actor = new ActorId(in.i64("actor"));
    return new Dot(actor, readCounter(in));
  }

  private static long readCounter(ByteReader in) {
    long counter = in.varint("counter");
    if (counter < 1) {
      throw new WireFormatException("a counter must be >= 1, was " + counter);
    }
    return counter;
  }

  public static void writeVector(ByteWriter out, VersionVector vector) {
    out.varint(vector.size());
    vector.forEach((actor, counter) -> out.i64(actor.id()).varint(counter));
  }

  public static VersionVector readVector(ByteReader in) {
    // No other bound: what was written must be readable, whatever it has become.
    int size = in.varint("vector size", 0, in.remaining() / MIN_ENTRY_BYTES);
    if (size == 0) {
      return VersionVector.EMPTY;
    }
    var actors = new long[size];
    var counters = new long[size];
    for (int i = 0; i < size; i++) {
      actors[i] = in.i64("actor");
      if (i > 0 && Long.compareUnsigned(actors[i - 1], actors[i]) >= 0) {
        throw new WireFormatException(
            "the actors of a vector are not in order at " + new ActorId(actors[i]));
      }
      counters[i] = readCounter(in);
    }
    return VersionVector.of(actors, counters);
  }

  private static void writeVersion(ByteWriter out, Version version) {
    writeDot(out, version.dot());
    out.i64(version.stamp().packed());
    VersionVector context = version.context();
    writeVector(out, context);
    if (context.loneDots() > 0) {
      writeLoneDots(out, context);
    }
  }

  /** Behind the vector itself, where there are any. */
  public static void writeLoneDots(ByteWriter out, VersionVector context) {
    out.varint(context.loneDots());
    context.forEachLone((actor, counter) -> out.i64(actor.id()).varint(counter));
  }

  private static Version readVersion(ByteReader in, boolean hasLoneDots) {
    Dot dot = readDot(in);
    long stamp = in.i64("stamp");
    if (stamp < 0) {
      throw new WireFormatException("a stamp must be >= 0, was " + stamp);
    }
    VersionVector context = readVector(in);
    if (hasLoneDots) {
      context = readLoneDots(in, context);
    }
    if (context.contains(dot)) {
      throw new WireFormatException("the write " + dot + " claims to have seen itself");
    }
    return new Version(dot, context, new Stamp(stamp));
  }

  /** The vector that was read before, with the lone dots that follow. */
  public static VersionVector readLoneDots(ByteReader in, VersionVector counters) {
    int count = in.varint("lone dots", 1, in.remaining() / MIN_ENTRY_BYTES);
    var dots = new ArrayList<Dot>();
    for (int i = 0; i < count; i++) {
      dots.add(readDot(in));
    }
    try {
      return counters.withLone(dots);
    } catch (IllegalArgumentException e) {
      throw new WireFormatException("not the lone dots of a context: " + e.getMessage(), e);
    }
  }

  public static void writeHeader(ByteWriter out, Header header) {
    int flags = (header.isTombstone() ? TOMBSTONE : 0);
    flags |= header.kind() == Header.Kind.MERGED ? MERGED : 0;
    flags |= header.expiresAtMs() == Header.NEVER ? 0 : EXPIRES;
    flags |= header.version().context().loneDots() == 0 ? 0 : LONE_DOTS;
    out.u8(flags);
    writeVersion(out, header.version());
    writeRegion(out, header.writtenIn());
    if (!header.isTombstone()) {
      out.varint(header.payloadBytes()).i32(header.payloadCrc32c());
    }
    if (header.expiresAtMs() != Header.NEVER) {
      out.varint(header.expiresAtMs());
    }
  }

  public static Header readHeader(ByteReader in) {
    int flags = in.u8("header flags");
    if ((flags & ~KNOWN_HEADER_FLAGS) != 0
        || (flags & (TOMBSTONE | MERGED)) == (TOMBSTONE | MERGED)) {
      throw new WireFormatException("unknown header flags 0x" + Integer.toHexString(flags));
    }
    Version version = readVersion(in, (flags & LONE_DOTS) != 0);
    RegionName writtenIn = readRegion(in);
    boolean tombstone = (flags & TOMBSTONE) != 0;
    int payloadBytes = tombstone ? 0 : in.varint("payload length", 0, Integer.MAX_VALUE);
    int payloadCrc32c = tombstone ? 0 : in.i32("payload checksum");
    long expiresAtMs = (flags & EXPIRES) == 0 ? Header.NEVER : in.varint("expiry");
    if (expiresAtMs < 0 || ((flags & EXPIRES) != 0 && expiresAtMs == Header.NEVER)) {
      throw new WireFormatException("not an expiry: " + expiresAtMs);
    }
    var kind = kind(tombstone, (flags & MERGED) != 0);
    return new Header(version, writtenIn, kind, payloadBytes, payloadCrc32c, expiresAtMs);
  }

  /** What a write did, by its flags. */
  public static Header.Kind kind(boolean tombstone, boolean merged) {
    if (tombstone) {
      return Header.Kind.TOMBSTONE;
    }
    return merged ? Header.Kind.MERGED : Header.Kind.VALUE;
  }

  /** Key, header, what follows, payload, siblings. */
  public static void writeRecord(ByteWriter out, MetadataRecord record) {
    writeKey(out, record.key());
    writeHeader(out, record.header());
    Bytes payload = record.payload();
    List<Sibling> siblings = record.siblings();
    out.u8((payload == null ? 0 : PAYLOAD) | (siblings.isEmpty() ? 0 : SIBLINGS));
    if (payload != null) {
      out.bytes(payload);
    }
    if (!siblings.isEmpty()) {
      out.varint(siblings.size());
      siblings.forEach(sibling -> writeSibling(out, sibling));
    }
  }

  private static void writeSibling(ByteWriter out, Sibling sibling) {
    writeHeader(out, sibling.header());
    Bytes payload = sibling.payload();
    out.u8(payload == null ? 0 : PAYLOAD);
    if (payload != null) {
      out.bytes(payload);
    }
  }

  public static MetadataRecord readRecord(ByteReader in) {
    return readRecord(in, null);
  }

  /**
   * The same where it is known whose record that is, most likely.
   *
   * @param expected not decoded again, if it is this one
   */
  public static MetadataRecord readRecord(ByteReader in, @Nullable Key expected) {
    Key key = readKey(in, expected);
    Header header = readHeader(in);
    int follows = in.u8("what follows");
    if ((follows & ~(PAYLOAD | SIBLINGS)) != 0) {
      throw new WireFormatException("not what follows the header of " + key + ": " + follows);
    }
    Bytes payload = (follows & PAYLOAD) == 0 ? null : readPayload(in, key, header);
    return (follows & SIBLINGS) == 0
        ? new MetadataRecord(key, header, payload)
        : readSiblings(in, key, header, payload);
  }

  private static MetadataRecord readSiblings(
      ByteReader in, Key key, Header header, @Nullable Bytes payload) {
    int count = in.varint("siblings", 1, MetadataRecord.MAX_VERSIONS - 1);
    var siblings = new ArrayList<Sibling>(count);
    for (int i = 0; i < count; i++) {
      Header each = readHeader(in);
      int follows = in.u8("what follows a sibling");
      if ((follows & ~PAYLOAD) != 0) {
        throw new WireFormatException("not what follows a sibling of " + key + ": " + follows);
      }
      siblings.add(new Sibling(each, follows == 0 ? null : readPayload(in, key, each)));
    }
    try {
      return new MetadataRecord(key, header, payload, siblings);
    } catch (IllegalArgumentException e) {
      throw new WireFormatException("not siblings: " + e.getMessage(), e);
    }
  }

  private static Bytes readPayload(ByteReader in, Key key, Header header) {
    if (header.isTombstone()) {
      throw new WireFormatException("a tombstone of " + key + " claims to have a payload");
    }
    Bytes payload = in.payload(header.payloadBytes(), "payload");
    if (!header.describes(payload)) {
      throw new WireFormatException("the payload of " + key + " has another checksum than said");
    }
    return payload;
  }

  /** At least as many bytes as {@link #writeRecord} will write, and not many more. */
  public static int estimatedBytes(MetadataRecord record) {
    int bytes = record.key().utf8Length() + estimatedBytes(record.header(), record.payload());
    for (Sibling sibling : record.siblings()) {
      bytes += estimatedBytes(sibling.header(), sibling.payload());
    }
    return bytes;
  }

  private static int estimatedBytes(Header header, @Nullable Bytes payload) {
    return estimatedBytes(header) + (payload == null ? 0 : payload.length());
  }

  /** The same of a header alone. */
  public static int estimatedBytes(Header header) {
    VersionVector context = header.version().context();
    return 64 + header.writtenIn().name().length() + MAX_ENTRY_BYTES * context.entries();
  }
}
