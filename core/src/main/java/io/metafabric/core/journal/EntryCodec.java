package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.ConfigurationCodec;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/** The bodies of journal frames. Stateless. */
final class EntryCodec {
  static final int OPENED = 1;
  static final int STORED = 2;
  static final int APPLIED = 3;
  static final int CLOSED = 4;
  static final int SEALED = 5;
  static final int CONFIGURED = 6;
  static final int ACKNOWLEDGED = 8;
  static final int HELD = 9;
  static final int STORED_SINCE = 10;

  private static final int MAX_CLUSTER_BYTES = 1024;

  private EntryCodec() {}

  static boolean isKnown(int type) {
    return (type >= OPENED && type <= CONFIGURED)
        || type == ACKNOWLEDGED
        || type == HELD
        || type == STORED_SINCE;
  }

  static int typeOf(JournalEntry entry) {
    if (entry instanceof JournalEntry.Stored stored) {
      return stored.since() == null ? STORED : STORED_SINCE;
    }
    if (entry instanceof JournalEntry.Applied) {
      return APPLIED;
    }
    if (entry instanceof JournalEntry.Sealed) {
      return SEALED;
    }
    if (entry instanceof JournalEntry.Held) {
      return HELD;
    }
    if (entry instanceof JournalEntry.Acknowledged) {
      return ACKNOWLEDGED;
    }
    if (entry instanceof JournalEntry.Configured) {
      return CONFIGURED;
    }
    return entry instanceof JournalEntry.Opened ? OPENED : CLOSED;
  }

  static void write(ByteWriter out, JournalEntry entry) {
    if (entry instanceof JournalEntry.Stored stored) {
      Dot since = stored.since();
      if (since != null) {
        RecordCodec.writeDot(out, since);
      }
      RecordCodec.writeRecord(out, stored.record());
    } else if (entry instanceof JournalEntry.Applied applied) {
      RecordCodec.writeRegion(out, applied.region());
      out.i64(applied.actor().id()).varint(applied.counter());
    } else if (entry instanceof JournalEntry.Opened opened) {
      out.i64(opened.actor().id()).i64(opened.nodeId()).text(opened.cluster());
      RecordCodec.writeRegion(out, opened.region());
    } else if (entry instanceof JournalEntry.Held held) {
      RecordCodec.writeRegion(out, held.region());
      out.i64(held.actor().id()).varint(held.after()).varint(held.upTo());
      out.varint(held.records().size());
      held.records().forEach(record -> RecordCodec.writeRecord(out, record));
    } else if (entry instanceof JournalEntry.Sealed sealed) {
      out.varint(sealed.frames());
    } else if (entry instanceof JournalEntry.Acknowledged by) {
      RecordCodec.writeRegion(out, by.peer());
      out.i64(by.actor().id()).varint(by.counter()).varint(by.position());
      out.varint(by.lackingFrom()).varint(by.lackingUpTo());
    } else if (entry instanceof JournalEntry.Configured configured) {
      ConfigurationCodec.write(out, configured.configuration());
      out.varint(configured.admitted()).u8(configured.filled() ? 1 : 0);
    }
  }

  static JournalEntry read(int type, ByteReader in, @Nullable Key expected) {
    JournalEntry entry =
        switch (type) {
          case OPENED ->
              new JournalEntry.Opened(
                  new ActorId(in.i64("actor")),
                  in.i64("node id"),
                  in.text("cluster", MAX_CLUSTER_BYTES),
                  RecordCodec.readRegion(in));
          case STORED -> new JournalEntry.Stored(RecordCodec.readRecord(in, expected));
          case APPLIED ->
              new JournalEntry.Applied(
                  RecordCodec.readRegion(in), new ActorId(in.i64("actor")), in.varint("counter"));
          case STORED_SINCE -> readStoredSince(in, expected);
          case CLOSED -> new JournalEntry.Closed();
          case HELD -> readHeld(in);
          case SEALED -> new JournalEntry.Sealed(in.varint("frames"));
          case CONFIGURED -> readConfigured(in);
          case ACKNOWLEDGED ->
              new JournalEntry.Acknowledged(
                  RecordCodec.readRegion(in),
                  new ActorId(in.i64("actor")),
                  in.varint("counter"),
                  in.varint("acknowledged position"),
                  in.varint("lacking from"),
                  in.varint("lacking up to"));
          default -> throw new WireFormatException("there is no journal entry type " + type);
        };
    // Of most entries no text is to be made.
    if (in.remaining() > 0) {
      in.end("journal entry type " + type);
    }
    return entry;
  }

  private static JournalEntry.Configured readConfigured(ByteReader in) {
    Configuration configuration = ConfigurationCodec.read(in);
    long admitted = in.varint("admitted");
    int filled = in.u8("filled");
    if (admitted < 0 || admitted > configuration.epoch() || filled > 1) {
      throw new WireFormatException("nobody was admitted at epoch " + admitted);
    }
    return new JournalEntry.Configured(configuration, admitted, filled == 1);
  }

  private static JournalEntry.Held readHeld(ByteReader in) {
    RegionName region = RecordCodec.readRegion(in);
    var actor = new ActorId(in.i64("actor"));
    long after = in.varint("after");
    long upTo = in.varint("up to");
    if (after < 0 || upTo <= after) {
      throw new WireFormatException("not a range of counters: " + after + " to " + upTo);
    }
    int count = in.varint("held changes", 0, in.remaining());
    var records = new ArrayList<MetadataRecord>();
    for (int i = 0; i < count; i++) {
      records.add(RecordCodec.readRecord(in));
    }
    return new JournalEntry.Held(region, actor, after, upTo, records);
  }

  private static JournalEntry readStoredSince(ByteReader in, @Nullable Key expected) {
    Dot since = RecordCodec.readDot(in);
    MetadataRecord record = RecordCodec.readRecord(in, expected);
    if (record.payload() != null || record.header().isTombstone()) {
      throw new WireFormatException("nothing is shown in place of " + record);
    }
    return new JournalEntry.Stored(record, since);
  }
}
