package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.PrefixedKeys;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The records of a batch of changes: each says what is not as in the one before. docs/PROTOCOL.md
 * has the bytes. A coder serves one batch; not thread-safe.
 */
final class ChangesCodec {
  private static final int TOMBSTONE = 1;
  private static final int EXPIRES = 2;
  private static final int PAYLOAD = 4;
  private static final int SAME_REGION = 8;
  private static final int NO_CONTEXT = 16;
  private static final int OWN_CONTEXT = 32;
  private static final int LONE_DOTS = 64;
  private static final int MERGED = 128;

  /** Flags, shared, length and one byte of key, counter, stamp. */
  static final int MIN_RECORD_BYTES = 6;

  private final ActorId actor;
  private final PrefixedKeys keys = new PrefixedKeys();
  private long counterBefore;
  private long stampBefore;
  private @Nullable RegionName regionBefore;

  ChangesCodec(ActorId actor, long after) {
    this.actor = actor;
    this.counterBefore = after;
  }

  void write(ByteWriter out, MetadataRecord record) {
    Header header = record.header();
    Version version = header.version();
    VersionVector context = version.context();
    long counter = version.dot().counter();
    Bytes payload = record.payload();
    int flags = header.isTombstone() ? TOMBSTONE : 0;
    flags |= header.expiresAtMs() == Header.NEVER ? 0 : EXPIRES;
    flags |= payload == null ? 0 : PAYLOAD;
    flags |= header.writtenIn().equals(regionBefore) ? SAME_REGION : 0;
    flags |= context.isEmpty() ? NO_CONTEXT : 0;
    flags |= isOwn(context) ? OWN_CONTEXT : 0;
    flags |= context.loneDots() > 0 ? LONE_DOTS : 0;
    flags |= header.kind() == Header.Kind.MERGED ? MERGED : 0;
    out.u8(flags);
    keys.write(out, record.key());
    out.varint(counter - counterBefore);
    out.varint(zigzag(version.stamp().packed() - stampBefore));
    if ((flags & OWN_CONTEXT) != 0) {
      out.varint(counter - context.counter(actor));
    } else if ((flags & NO_CONTEXT) == 0) {
      RecordCodec.writeVector(out, context);
      if (context.loneDots() > 0) {
        RecordCodec.writeLoneDots(out, context);
      }
    }
    if ((flags & SAME_REGION) == 0) {
      RecordCodec.writeRegion(out, header.writtenIn());
    }
    if (!header.isTombstone()) {
      out.varint(header.payloadBytes()).i32(header.payloadCrc32c());
    }
    if (header.expiresAtMs() != Header.NEVER) {
      out.varint(header.expiresAtMs());
    }
    if (payload != null) {
      out.bytes(payload);
    }
    became(counter, version.stamp().packed(), header.writtenIn());
  }

  private boolean isOwn(VersionVector context) {
    return context.size() == 1 && context.counter(actor) > 0 && context.loneDots() == 0;
  }

  private void became(long counter, long stamp, RegionName region) {
    counterBefore = counter;
    stampBefore = stamp;
    regionBefore = region;
  }

  private static long zigzag(long signed) {
    return (signed << 1) ^ (signed >> 63);
  }

  private static long unzigzag(long coded) {
    return (coded >>> 1) ^ -(coded & 1);
  }

  List<MetadataRecord> readAll(ByteReader in) {
    int count = in.varint("records", 0, in.remaining() / MIN_RECORD_BYTES);
    var records = new ArrayList<MetadataRecord>(Math.min(count, 1024));
    for (int i = 0; i < count; i++) {
      records.add(read(in));
    }
    return records;
  }

  private MetadataRecord read(ByteReader in) {
    int flags = in.u8("record flags");
    if (Integer.bitCount(flags & (NO_CONTEXT | OWN_CONTEXT | LONE_DOTS)) > 1
        || (flags & (TOMBSTONE | MERGED)) == (TOMBSTONE | MERGED)
        || (flags & (TOMBSTONE | PAYLOAD)) == (TOMBSTONE | PAYLOAD)) {
      throw new WireFormatException("not the flags of a record: 0x" + Integer.toHexString(flags));
    }
    Key key = keys.read(in);
    long ahead = in.varint("counter");
    long counter = counterBefore + ahead;
    long stamp = stampBefore + unzigzag(in.varint("stamp"));
    if (ahead < 1 || counter < 1) {
      throw new WireFormatException(
          "changes are not in order: " + Long.toUnsignedString(ahead) + " behind " + counterBefore);
    }
    if (stamp < 0) {
      throw new WireFormatException("a stamp must be >= 0, was " + stamp);
    }
    var dot = new Dot(actor, counter);
    VersionVector context = readContext(in, flags, dot);
    RegionName region = readRegion(in, (flags & SAME_REGION) != 0);
    boolean tombstone = (flags & TOMBSTONE) != 0;
    int payloadBytes = tombstone ? 0 : in.varint("payload length", 0, Integer.MAX_VALUE);
    int payloadCrc32c = tombstone ? 0 : in.i32("payload checksum");
    boolean expires = (flags & EXPIRES) != 0;
    long expiresAtMs = expires ? in.varint("expiry") : Header.NEVER;
    if (expiresAtMs < 0 || (expires && expiresAtMs == Header.NEVER)) {
      throw new WireFormatException("not an expiry: " + expiresAtMs);
    }
    var header =
        new Header(
            new Version(dot, context, new Stamp(stamp)),
            region,
            RecordCodec.kind(tombstone, (flags & MERGED) != 0),
            payloadBytes,
            payloadCrc32c,
            expiresAtMs);
    Bytes payload = null;
    if ((flags & PAYLOAD) != 0) {
      payload = in.payload(payloadBytes, "payload");
      if (!header.describes(payload)) {
        throw new WireFormatException("the payload of " + key + " has another checksum than said");
      }
    }
    became(counter, stamp, region);
    return new MetadataRecord(key, header, payload);
  }

  private VersionVector readContext(ByteReader in, int flags, Dot dot) {
    if ((flags & NO_CONTEXT) != 0) {
      return VersionVector.EMPTY;
    }
    if ((flags & OWN_CONTEXT) != 0) {
      long behind = in.varint("counters since the context");
      if (behind < 1 || behind >= dot.counter()) {
        throw new WireFormatException("a context of " + dot + " is no " + behind + " behind it");
      }
      return VersionVector.of(new Dot(actor, dot.counter() - behind));
    }
    VersionVector context = RecordCodec.readVector(in);
    if ((flags & LONE_DOTS) != 0) {
      context = RecordCodec.readLoneDots(in, context);
    }
    if (context.isEmpty() || isOwn(context)) {
      throw new WireFormatException("a context has a shorter form");
    }
    if (context.contains(dot)) {
      throw new WireFormatException("the write " + dot + " claims to have seen itself");
    }
    return context;
  }

  private RegionName readRegion(ByteReader in, boolean same) {
    RegionName before = regionBefore;
    if (same) {
      if (before == null) {
        throw new WireFormatException("the first record is of no region");
      }
      return before;
    }
    RegionName region = RecordCodec.readRegion(in);
    if (region.equals(before)) {
      throw new WireFormatException("a region is named twice");
    }
    return region;
  }
}
