package io.metafabric.core.index;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The dots of all versions that are kept beside a winner, by key: of open conflicts alone, on the
 * heap. Thread-safe; one thread at a time changes what is kept of a key.
 */
final class SiblingDots {
  /** An entry without its key's path and its dots, about. */
  private static final int ENTRY_BYTES = 144;

  private static final int MIN_ENTRY_BYTES = 4;
  private static final int MIN_DOT_BYTES = 9;
  private static final long[] NONE = {};

  private static final class Entry {
    /** Actor and counter of each. */
    final long[] dots;

    /** Whether one of the versions, the winner included, is a tombstone or has an expiry. */
    final boolean mortal;

    Entry(long[] dots, boolean mortal) {
      this.dots = dots;
      this.mortal = mortal;
    }
  }

  private final Map<Key, Entry> byKey = new ConcurrentHashMap<>();
  private final AtomicLong bytes = new AtomicLong();

  /** This is the key's state now. */
  void published(MetadataRecord record) {
    if (record.hasSiblings()) {
      var dots = new long[2 * record.siblings().size()];
      boolean mortal = isMortal(record.header());
      for (int i = 0; i < record.siblings().size(); i++) {
        Header header = record.siblings().get(i).header();
        mortal |= isMortal(header);
        dots[2 * i] = header.version().dot().actor().id();
        dots[2 * i + 1] = header.version().dot().counter();
      }
      put(record.key(), new Entry(dots, mortal));
    } else {
      forget(record.key());
    }
  }

  private static boolean isMortal(Header header) {
    return header.isTombstone() || header.expiresAtMs() != Header.NEVER;
  }

  private void put(Key key, Entry entry) {
    Entry before = byKey.put(key, entry);
    bytes.addAndGet(bytesOf(key, entry) - (before == null ? 0 : bytesOf(key, before)));
  }

  void forget(Key key) {
    if (isEmpty()) {
      return;
    }
    Entry before = byKey.remove(key);
    if (before != null) {
      bytes.addAndGet(-bytesOf(key, before));
    }
  }

  private boolean isEmpty() {
    return bytes.get() == 0;
  }

  /** Actor and counter of each version beside the key's winner; not to be written to. */
  long[] of(Key key) {
    Entry entry = isEmpty() ? null : byKey.get(key);
    return entry == null ? NONE : entry.dots;
  }

  void forEach(SiblingVisitor visitor) {
    byKey.forEach(
        (key, entry) -> {
          long[] dots = entry.dots;
          for (int i = 0; i < dots.length; i += 2) {
            visitor.visit(key, dots[i], dots[i + 1]);
          }
        });
  }

  List<Key> keys() {
    return new ArrayList<>(byKey.keySet());
  }

  /** Those of which one of the versions is a tombstone or has an expiry. */
  List<Key> mortalKeys() {
    var keys = new ArrayList<Key>();
    byKey.forEach(
        (key, entry) -> {
          if (entry.mortal) {
            keys.add(key);
          }
        });
    return keys;
  }

  /** Heap, by estimate. */
  long bytes() {
    return bytes.get();
  }

  private static long bytesOf(Key key, Entry entry) {
    return ENTRY_BYTES + key.utf8Length() + (long) entry.dots.length * Long.BYTES;
  }

  /** Nothing changes meanwhile. */
  void describeTo(ByteWriter out) {
    out.varint(byKey.size());
    new TreeMap<>(byKey)
        .forEach(
            (key, entry) -> {
              long[] dots = entry.dots;
              RecordCodec.writeKey(out, key);
              out.u8(entry.mortal ? 1 : 0).varint(dots.length / 2);
              for (int i = 0; i < dots.length; i += 2) {
                out.i64(dots[i]).varint(dots[i + 1]);
              }
            });
  }

  /**
   * Takes over what was described.
   *
   * @throws io.metafabric.core.error.WireFormatException if this is no description
   */
  void restore(ByteReader in) {
    int keys = in.varint("keys with siblings", 0, in.remaining() / MIN_ENTRY_BYTES);
    for (int i = 0; i < keys; i++) {
      Key key = RecordCodec.readKey(in);
      boolean mortal = in.u8("mortal") == 1;
      int siblings =
          in.varint(
              "siblings",
              1,
              Math.min(MetadataRecord.MAX_VERSIONS - 1, in.remaining() / MIN_DOT_BYTES));
      var dots = new long[2 * siblings];
      for (int at = 0; at < dots.length; at += 2) {
        dots[at] = in.i64("actor");
        dots[at + 1] = in.varint("counter");
      }
      put(key, new Entry(dots, mortal));
    }
  }
}
