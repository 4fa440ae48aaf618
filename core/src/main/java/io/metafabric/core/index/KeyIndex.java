package io.metafabric.core.index;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Where each key's newest record is in the journal, and its payload if that is elsewhere. Outside
 * of the heap: 20 bytes a slot, one slot a key, two where the payload came in another frame.
 *
 * <p>A slot has 32 bits of the key's hash, beside 7 that choose the table, the frame's place, and
 * the dot. Other keys may have the same bits, so a key is always compared with the one in the
 * journal, except where the dot says it: a dot is one write of one key.
 *
 * <p>Any thread may read; one at a time calls {@link #publish} or {@link #replay}, another {@link
 * #moved}.
 */
public final class KeyIndex {
  private static final int TABLES = 128;
  private static final int TABLE_SHIFT = Long.SIZE - 7;

  /** In a slot's first word: the frame has the payload too. */
  private static final long HAS_PAYLOAD = Long.MIN_VALUE;

  /** In a slot's second word: this is where the payload is, and another slot has the header. */
  private static final long PAYLOAD_ONLY = Long.MIN_VALUE;

  private static final int FEW_WORDS = 8;

  /** Pages are written and read so many bytes at a time. */
  private static final int COPIED_BYTES = 128 * 1024;

  private final FrameTable frames;
  private final ToLongFunction<Key> hash;
  private final long hashSeed;
  private final PagePool pool = new PagePool();
  private final SlotTable[] tables = new SlotTable[TABLES];
  private final DotWords dots;
  private final AtomicLong keys = new AtomicLong();

  /**
   * @param hashSeed should be drawn at random
   */
  public KeyIndex(FrameTable frames, long hashSeed) {
    this(frames, hashSeed, key -> KeyHash.of(key.path(), hashSeed), DotWords.MAX_ACTORS);
  }

  KeyIndex(FrameTable frames, long hashSeed, ToLongFunction<Key> hash, int maxActors) {
    this.frames = frames;
    this.hashSeed = hashSeed;
    this.hash = hash;
    this.dots = new DotWords(maxActors);
    Arrays.setAll(tables, i -> new SlotTable(pool));
  }

  /** A slot whose key has been compared. */
  private record Found(MetadataRecord record, long place, long dot) {
    boolean hasPayload() {
      return (place & HAS_PAYLOAD) != 0;
    }
  }

  private long hash(Key key) {
    return hash.applyAsLong(key);
  }

  private SlotTable table(long hash) {
    return tables[(int) (hash >>> TABLE_SHIFT)];
  }

  private static int fingerprint(long hash) {
    return (int) hash;
  }

  private static boolean isHeader(long dot) {
    return (dot & PAYLOAD_ONLY) == 0;
  }

  /** All slots that a key may have, two words each, zeros behind them. */
  private static long[] slots(SlotTable table, int fingerprint) {
    long[] words = new long[FEW_WORDS];
    for (int found = table.copyMatches(fingerprint, words);
        2 * found > words.length;
        found = table.copyMatches(fingerprint, words)) {
      words = new long[2 * found];
    }
    return words;
  }

  /**
   * The newest record, with its payload if the journal has it; null if nothing is known of the key.
   *
   * @throws io.metafabric.core.error.CorruptJournalException if it is damaged on disk
   */
  public @Nullable MetadataRecord read(Key key) {
    return look(key, true);
  }

  private @Nullable MetadataRecord look(Key key, boolean forPayload) {
    long hash = hash(key);
    SlotTable table = table(hash);
    long[] before = null;
    while (true) {
      long[] words = slots(table, fingerprint(hash));
      requireChange(before, words, key);
      before = words;
      try {
        Found found = find(words, key);
        if (found == null) {
          return null;
        }
        return found.hasPayload() || !forPayload ? found.record() : withPayload(words, found);
      } catch (FrameMovedException e) {
        // Compaction has moved it since we looked; the slot says where to.
      }
    }
  }

  /** Thrown and caught here alone, seldom; has no stack trace. */
  private static final class FrameMovedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    FrameMovedException() {
      super("a frame was moved", null, false, false);
    }
  }

  /** The slots change before a frame goes: whoever finds neither has met a defect. */
  private static void requireChange(long @Nullable [] before, long[] words, Key key) {
    if (before != null && Arrays.equals(before, words)) {
      throw new IllegalStateException("the index names a frame of " + key + " that is gone");
    }
  }

  private @Nullable Found find(long[] words, Key key) {
    for (int i = 0; i < words.length && words[i] != 0; i += 2) {
      if (isHeader(words[i + 1])) {
        MetadataRecord record = recordAt(words[i], key);
        if (record.key().equals(key)) {
          return new Found(record, words[i], words[i + 1]);
        }
      }
    }
    return null;
  }

  private MetadataRecord recordAt(long place) {
    return record(frames.read(place & ~HAS_PAYLOAD));
  }

  private MetadataRecord recordAt(long place, Key expected) {
    return record(frames.read(place & ~HAS_PAYLOAD, expected));
  }

  private static MetadataRecord record(@Nullable JournalEntry entry) {
    if (entry instanceof JournalEntry.Stored stored) {
      return stored.record();
    }
    if (entry == null) {
      throw new FrameMovedException();
    }
    throw new IllegalStateException("the index names " + entry + ", which is not a record");
  }

  private MetadataRecord withPayload(long[] words, Found header) {
    for (int i = 0; i < words.length && words[i] != 0; i += 2) {
      if (!isHeader(words[i + 1]) && (words[i + 1] & ~PAYLOAD_ONLY) == header.dot()) {
        MetadataRecord found = recordAt(words[i], header.record().key());
        if (isSameWrite(found, header.record())) {
          return header.record().withPayload(found.payload());
        }
      }
    }
    return header.record();
  }

  private static boolean isSameWrite(MetadataRecord a, MetadataRecord b) {
    return a.key().equals(b.key()) && a.header().version().dot().equals(b.header().version().dot());
  }

  /** The newest header; null if nothing is known of the key. */
  public @Nullable Header header(Key key) {
    MetadataRecord record = look(key, false);
    return record == null ? null : record.header();
  }

  /**
   * Whether {@code dot} is the key's newest write. Seldom reads the journal.
   *
   * @param dot a write of this key, not of another
   */
  public boolean isCurrent(Key key, Dot dot) {
    long hash = hash(key);
    // Of a dot that no slot can have exactly, the word is that of all such dots.
    long wanted = dots.find(dot);
    int answer = table(hash).has(fingerprint(hash), wanted, DotWords.INEXACT);
    if (answer == SlotTable.NO) {
      return false;
    }
    if (answer == SlotTable.YES && DotWords.isExact(wanted)) {
      return true;
    }
    Header header = header(key);
    return header != null && header.version().dot().equals(dot);
  }

  /** Whether the journal has the payload of the key's newest record. */
  public boolean holdsPayload(Key key) {
    MetadataRecord record = read(key);
    return record != null && record.payload() != null;
  }

  /**
   * A key's new state.
   *
   * @param before what {@link #header} says of it, null if nothing
   * @param record with a payload if the frame has it; without, a payload of the same write stays
   * @param at the frame, which becomes live; those that it replaces become dead
   */
  public void publish(@Nullable Header before, MetadataRecord record, FrameLocation at) {
    publish(
        before == null ? null : before.version().dot(),
        before != null && isSameWrite(before, record.header()),
        record,
        at);
  }

  /**
   * The same for a caller who knows no more of what was before.
   *
   * @param before the dot of the key's newest record, null if nothing is known of it
   * @param sameWrite whether that was the same write, with another context or without its payload
   */
  public void publish(
      @Nullable Dot before, boolean sameWrite, MetadataRecord record, FrameLocation at) {
    at.markLive();
    long place = at.place() | (record.payload() == null ? 0 : HAS_PAYLOAD);
    long dot = dots.encode(record.header().version().dot());
    long hash = hash(record.key());
    int fingerprint = fingerprint(hash);
    SlotTable table = table(hash);
    long stamp = table.lock();
    try {
      if (before == null) {
        table.insert(fingerprint, place, dot);
        keys.incrementAndGet();
      } else {
        replace(table, fingerprint, before, sameWrite, record, place, dot);
      }
    } finally {
      table.unlock(stamp);
    }
  }

  private void replace(
      SlotTable table,
      int fingerprint,
      Dot before,
      boolean sameWrite,
      MetadataRecord now,
      long place,
      long dot) {
    int header = headerSlot(table, fingerprint, now.key(), before);
    long old = table.first(header);
    boolean oldHasPayload = (old & HAS_PAYLOAD) != 0;
    int payload =
        oldHasPayload ? -1 : payloadSlot(table, fingerprint, table.second(header), now.key());
    boolean keeps = now.payload() == null && sameWrite;
    if (keeps && oldHasPayload) {
      // First what can fail, for want of memory; it may move the other.
      table.insert(fingerprint, old & ~HAS_PAYLOAD, dot | PAYLOAD_ONLY);
      header = headerSlot(table, fingerprint, now.key(), before);
      table.set(header, place, dot);
      return;
    }
    table.set(header, place, dot);
    frames.markDead(old & ~HAS_PAYLOAD);
    if (!keeps && payload >= 0) {
      frames.markDead(table.first(payload));
      table.remove(payload);
    }
  }

  /** Whether both are of one write, of which contexts may differ. */
  public static boolean isSameWrite(Header a, Header b) {
    return a.version().dot().equals(b.version().dot()) && a.payloadCrc32c() == b.payloadCrc32c();
  }

  private int headerSlot(SlotTable table, int fingerprint, Key key, Dot dot) {
    long wanted = dots.find(dot);
    int slot = table.find(fingerprint);
    for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
      long word = table.second(slot);
      if (isHeader(word)
          && (DotWords.isExact(word)
              ? word == wanted
              : recordAt(table.first(slot)).key().equals(key))) {
        return slot;
      }
    }
    throw new IllegalStateException("the index has lost " + key);
  }

  private int payloadSlot(SlotTable table, int fingerprint, long dot, Key key) {
    int slot = table.find(fingerprint);
    for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
      if (table.second(slot) == (dot | PAYLOAD_ONLY)
          && (DotWords.isExact(dot) || recordAt(table.first(slot)).key().equals(key))) {
        return slot;
      }
    }
    return -1;
  }

  /** The same where it is not known what was before: reads the journal. */
  public void replay(MetadataRecord record, FrameLocation at) {
    publish(header(record.key()), record, at);
  }

  /**
   * A frame of the key can be read elsewhere now.
   *
   * @return whether the index named it
   */
  public boolean moved(Key key, FrameLocation from, FrameLocation to) {
    long hash = hash(key);
    int fingerprint = fingerprint(hash);
    SlotTable table = table(hash);
    long stamp = table.lock();
    try {
      int slot = table.find(fingerprint);
      for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
        long first = table.first(slot);
        if ((first & ~HAS_PAYLOAD) == from.place()) {
          table.set(slot, to.place() | (first & HAS_PAYLOAD), table.second(slot));
          return true;
        }
      }
      return false;
    } finally {
      table.unlock(stamp);
    }
  }

  /**
   * Calls with every key of which anything is known, in no order; what is published meanwhile may
   * be missing. Reads all of the journal that is live.
   */
  public void forEachKey(Consumer<Key> consumer) {
    for (SlotTable table : tables) {
      long[] places = headers(table);
      while (!forEachKey(places, consumer)) {
        // Compaction moved one of them before anything was said.
        long[] again = headers(table);
        if (Arrays.equals(places, again)) {
          throw new IllegalStateException("the index names frames that are gone");
        }
        places = again;
      }
    }
  }

  private boolean forEachKey(long[] places, Consumer<Key> consumer) {
    var found = new Key[places.length];
    try {
      for (int i = 0; i < places.length; i++) {
        found[i] = recordAt(places[i]).key();
      }
    } catch (FrameMovedException e) {
      return false;
    }
    Arrays.asList(found).forEach(consumer);
    return true;
  }

  private static long[] headers(SlotTable table) {
    long stamp = table.lock();
    try {
      long[] places = new long[table.used()];
      int count = 0;
      for (int slot = 0; slot < table.slots(); slot++) {
        if (table.first(slot) != 0 && isHeader(table.second(slot))) {
          places[count++] = table.first(slot);
        }
      }
      return Arrays.copyOf(places, count);
    } finally {
      table.unlock(stamp);
    }
  }

  /** Describes what {@link #writePages} writes, for {@link #restore}. Nothing changes meanwhile. */
  public void describeTo(ByteWriter out) {
    out.i64(hashSeed).varint(keys.get());
    List<ActorId> actors = dots.actors();
    out.varint(actors.size());
    actors.forEach(actor -> out.i64(actor.id()));
    for (SlotTable table : tables) {
      out.varint(table.usedPages()).varint(table.used()).i32(table.crc32c());
    }
  }

  /** Writes all slots from {@code offset} on. */
  public void writePages(DiskFile file, long offset) {
    long at = offset;
    var through = ByteBuffer.allocate(COPIED_BYTES);
    for (SlotTable table : tables) {
      table.writeTo(file, at, through);
      at += (long) table.usedPages() * PagePool.PAGE_BYTES;
    }
  }

  /**
   * The index that {@link #describeTo} described, over the same journal.
   *
   * @param offset where its slots begin in {@code file}
   * @return null if the slots are not those that were described
   * @throws io.metafabric.core.error.WireFormatException if this is no description
   */
  public static @Nullable KeyIndex restore(
      FrameTable frames, ByteReader in, DiskFile file, long offset) {
    var index = new KeyIndex(frames, in.i64("hash seed"));
    index.keys.set(in.varint("keys"));
    int count = in.varint("actors", 0, in.remaining() / Long.BYTES);
    var actors = new ArrayList<ActorId>(count);
    for (int i = 0; i < count; i++) {
      actors.add(new ActorId(in.i64("actor")));
    }
    index.dots.restore(actors);
    long at = offset;
    var through = ByteBuffer.allocate(COPIED_BYTES);
    long left = (file.sizeBytes() - offset) / PagePool.PAGE_BYTES;
    for (SlotTable table : index.tables) {
      int pages = in.varint("pages", 0, (int) Math.min(Integer.MAX_VALUE, Math.max(0, left)));
      int used = in.varint("slots", 0, Integer.MAX_VALUE);
      int crc = in.i32("checksum");
      if (pages > 0 && !table.readFrom(file, at, pages, used, crc, through)) {
        return null;
      }
      at += (long) pages * PagePool.PAGE_BYTES;
      left -= pages;
    }
    return index.markAllLive() ? index : null;
  }

  /**
   * Whether the slots in {@code file} are those that {@link #describeTo} described. Holds a few
   * pages of them at a time.
   *
   * @param offset where they begin
   * @throws io.metafabric.core.error.WireFormatException if this is no description
   */
  public static boolean isWhole(ByteReader in, DiskFile file, long offset) {
    in.i64("hash seed");
    in.varint("keys");
    int actors = in.varint("actors", 0, in.remaining() / Long.BYTES);
    for (int i = 0; i < actors; i++) {
      in.i64("actor");
    }
    long at = offset;
    var through = ByteBuffer.allocate(COPIED_BYTES);
    for (int i = 0; i < TABLES; i++) {
      long bytes = (long) in.varint("pages", 0, Integer.MAX_VALUE) * PagePool.PAGE_BYTES;
      in.varint("slots", 0, Integer.MAX_VALUE);
      int crc = in.i32("checksum");
      if (bytes > 0 && !SlotTable.hasChecksum(crc, file, at, bytes, through)) {
        return false;
      }
      at += bytes;
    }
    return true;
  }

  /** Accounts for all frames that are named; false if one of them cannot be there. */
  private boolean markAllLive() {
    for (SlotTable table : tables) {
      for (int slot = 0; slot < table.slots(); slot++) {
        long first = table.first(slot);
        if (first != 0 && !frames.markLive(first & ~HAS_PAYLOAD)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether a record of this actor has been in the journal. Exact for the first 262,143 actors. */
  public boolean hasSeen(ActorId actor) {
    return dots.hasSeen(actor);
  }

  /** Keys of which anything is known. */
  public long keys() {
    return keys.get();
  }

  /** Memory of the frames that were read of late. */
  public long readCacheBytes() {
    return frames.cacheBytes();
  }

  /** {@link #readCacheBytes} is never more. */
  public long maxReadCacheBytes() {
    return frames.maxCacheBytes();
  }

  /** Memory taken from the system, outside of the heap. */
  public long bytes() {
    return pool.bytes();
  }
}
