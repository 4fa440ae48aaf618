package io.metafabric.core.index;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Where each key's newest record is in the journal, and its payload if that is elsewhere. Outside
 * of the heap: 20 bytes a slot, one slot a key, two where the payload came in another frame, or is
 * an older write's that may be shown until the newest one's can be read. The dots of siblings are
 * beside it, on the heap, for the keys that have some.
 *
 * <p>A slot has 32 bits of the key's hash, beside 7 that choose the table, the frame's place, and
 * the dot. Other keys may have the same bits, so a key is always compared with the one in the
 * journal, except where the dot says it: a dot is one write of one key.
 *
 * <p>Here a key is looked up and its slot of a header changed. Slots are in {@link SlotTables},
 * their bits in {@link SlotWords}; {@link PayloadSlots} has those of payloads alone, {@link
 * IndexWalk} goes through all, {@link IndexFile} keeps them over a stop.
 *
 * <p>Any thread may read; one at a time calls {@link #publish} or {@link #replay}, another {@link
 * #moved}.
 */
public final class KeyIndex {
  /** All keys are spread evenly over so many. */
  public static final int TABLES = SlotTables.COUNT;

  private static final int FEW_WORDS = 8;

  private final FrameTable frames;
  private final ToLongFunction<Key> hash;
  private final long hashSeed;
  private final NamedFrames named;
  private final SlotTables tables = new SlotTables();
  private final DotWords dots;
  private final KeyCounts counts = new KeyCounts();
  private final PayloadSlots payloads;
  private final SiblingDots siblings = new SiblingDots();
  private final IndexWalk walk;
  private final IndexFile file;

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
    this.named = new NamedFrames(frames);
    this.payloads = new PayloadSlots(tables, dots, frames, named);
    this.walk = new IndexWalk(tables, dots, named);
    this.file = new IndexFile(tables, dots, counts, siblings);
  }

  /** A slot whose key has been compared. */
  private record Found(JournalEntry.Stored stored, long place, long dot) {
    MetadataRecord record() {
      return stored.record();
    }

    boolean hasPayload() {
      return SlotWords.hasPayload(place);
    }
  }

  private long hash(Key key) {
    return hash.applyAsLong(key);
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
    return look(
        key,
        (words, found) ->
            found.hasPayload() || !forPayload ? found.record() : withPayload(words, found));
  }

  /**
   * @return null if nothing is known of the key
   */
  private <T> @Nullable T look(Key key, BiFunction<long[], Found, @Nullable T> view) {
    long hash = hash(key);
    SlotTable table = tables.of(hash);
    long[] before = null;
    while (true) {
      long[] words = slots(table, SlotTables.fingerprint(hash));
      requireChange(before, words, key);
      before = words;
      try {
        Found found = find(words, key);
        return found == null ? null : view.apply(words, found);
      } catch (NamedFrames.FrameMovedException e) {
        // Compaction has moved it since we looked; the slot says where to.
      }
    }
  }

  /**
   * What may be shown for a key of which the newest write's payload is not here; null if it is
   * here, if the newest write was a remove, or if nothing is known of the key.
   *
   * @throws io.metafabric.core.error.CorruptJournalException if it is damaged on disk
   */
  public @Nullable Substitute substitute(Key key) {
    return look(
        key,
        (words, found) -> {
          MetadataRecord newest = withPayload(words, found);
          return newest.payload() != null || newest.header().isTombstone()
              ? null
              : new Substitute(
                  newest.header(), found.stored().sinceOfNext(), superseded(words, newest));
        });
  }

  /** The dot of {@link JournalEntry.Stored#sinceOfNext} of the newest frame of a key. */
  public @Nullable Dot sinceOfNext(Key key) {
    return look(key, (words, found) -> found.stored().sinceOfNext());
  }

  private @Nullable MetadataRecord superseded(long[] words, MetadataRecord newest) {
    for (int i = 0; i < words.length && words[i] != 0; i += 2) {
      if (!SlotWords.isHeader(words[i + 1]) && SlotWords.isSuperseded(words[i])) {
        MetadataRecord found = named.recordAt(words[i], newest.key());
        if (found.key().equals(newest.key())) {
          return found;
        }
      }
    }
    return null;
  }

  /** The slots change before a frame goes: whoever finds neither has met a defect. */
  private static void requireChange(long @Nullable [] before, long[] words, Key key) {
    if (before != null && Arrays.equals(before, words)) {
      throw new IllegalStateException("the index names a frame of " + key + " that is gone");
    }
  }

  private @Nullable Found find(long[] words, Key key) {
    for (int i = 0; i < words.length && words[i] != 0; i += 2) {
      if (SlotWords.isHeader(words[i + 1])) {
        JournalEntry.Stored stored = named.storedAt(words[i], key);
        if (stored.record().key().equals(key)) {
          return new Found(stored, words[i], SlotWords.dotOf(words[i + 1]));
        }
      }
    }
    return null;
  }

  private MetadataRecord withPayload(long[] words, Found header) {
    for (int i = 0; i < words.length && words[i] != 0; i += 2) {
      if (!SlotWords.isHeader(words[i + 1])
          && !SlotWords.isSuperseded(words[i])
          && SlotWords.dotOf(words[i + 1]) == header.dot()) {
        MetadataRecord found = named.recordAt(words[i], header.record().key());
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
    int answer =
        tables
            .of(hash)
            .has(SlotTables.fingerprint(hash), wanted, ~SlotWords.MORTAL, DotWords.INEXACT);
    if (answer == SlotTable.NO) {
      return false;
    }
    if (answer == SlotTable.YES && DotWords.isExact(wanted)) {
      return true;
    }
    Header header = header(key);
    return header != null && header.version().dot().equals(dot);
  }

  /**
   * Whether the journal's payload of this write is still of use, for want of the newest one's.
   * Seldom reads the journal.
   */
  public boolean isSuperseded(Key key, Dot dot) {
    long hash = hash(key);
    long wanted = dots.find(dot);
    int answer =
        tables
            .of(hash)
            .has(
                SlotTables.fingerprint(hash),
                wanted | SlotWords.PAYLOAD_ONLY,
                ~SlotWords.MORTAL,
                DotWords.INEXACT | SlotWords.PAYLOAD_ONLY);
    if (answer == SlotTable.NO) {
      return false;
    }
    if (answer == SlotTable.YES && DotWords.isExact(wanted)) {
      return true;
    }
    Substitute shown = substitute(key);
    MetadataRecord held = shown == null ? null : shown.held();
    return held != null && held.header().version().dot().equals(dot);
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
   * @param now with a payload if the frame has it; without, a payload of the same write stays, and
   *     so does that of the write that {@link JournalEntry.Stored#since} names
   * @param at the frame, which becomes live; those that it replaces become dead
   */
  public void publish(@Nullable Header before, JournalEntry.Stored now, FrameLocation at) {
    publish(
        before == null ? null : before.version().dot(),
        before != null && isSameWrite(before, now.record().header()),
        now,
        at);
  }

  /**
   * The same for a caller who knows no more of what was before.
   *
   * @param before the dot of the key's newest record, null if nothing is known of it
   * @param sameWrite whether that was the same write, with another context or without its payload
   */
  public void publish(
      @Nullable Dot before, boolean sameWrite, JournalEntry.Stored now, FrameLocation at) {
    at.markLive();
    MetadataRecord record = now.record();
    long place = at.place() | (record.payload() == null ? 0 : SlotWords.HAS_PAYLOAD);
    long dot = dots.encode(record.header().version().dot());
    long second = dot | SlotWords.flagsOf(record.header());
    long hash = hash(record.key());
    int fingerprint = SlotTables.fingerprint(hash);
    SlotTable table = tables.of(hash);
    long stamp = table.lock();
    try {
      if (before == null) {
        table.insert(fingerprint, place, second);
        counts.added(table, place, second);
      } else {
        replace(table, hash, before, sameWrite, now, place, second);
      }
    } finally {
      table.unlock(stamp);
    }
    siblings.published(record);
    payloads.dropSuperseded();
  }

  private void replace(
      SlotTable table,
      long hash,
      Dot before,
      boolean sameWrite,
      JournalEntry.Stored now,
      long place,
      long second) {
    int fingerprint = SlotTables.fingerprint(hash);
    Key key = now.record().key();
    int header = headerSlot(table, fingerprint, key, before);
    long old = table.first(header);
    long oldSecond = table.second(header);
    if (SlotWords.hasPayload(old)) {
      long oldDot = SlotWords.dotOf(oldSecond) | SlotWords.PAYLOAD_ONLY;
      if (now.record().payload() == null && (sameWrite || before.equals(now.since()))) {
        // First what can fail, for want of memory; it may move the other.
        payloads.insert(table, hash, old, oldDot, sameWrite);
        header = headerSlot(table, fingerprint, key, before);
        if (!sameWrite) {
          payloads.wasSuperseded(hash, oldDot, old);
        }
      } else {
        frames.markDead(SlotWords.placeOf(old));
      }
      setHeader(table, header, place, second);
      return;
    }
    setHeader(table, header, place, second);
    frames.markDead(old);
    int payload = payloads.find(table, fingerprint, key);
    if (payload >= 0) {
      payloads.replace(table, hash, payload, before, sameWrite, now);
    }
  }

  private void setHeader(SlotTable table, int slot, long place, long second) {
    counts.count(table, table.first(slot), table.second(slot), -1);
    counts.count(table, place, second, 1);
    table.set(slot, place, second);
  }

  /**
   * How much of the journal may be payloads of older writes. Those that were superseded first go
   * first, but those that {@code mustStay} only beyond four times as much.
   *
   * @param mustStay is asked about writes that nobody else may have; must not wait
   */
  public void limitSuperseded(long maxBytes, BiPredicate<Key, Dot> mustStay) {
    payloads.limitSuperseded(maxBytes, mustStay);
  }

  /**
   * Forgets a key of which only a dead header is left. The header's frame counts as live for as
   * long as it has to be there; a payload beside it does not.
   *
   * @param dot of the key's newest record, which is a tombstone or has an expiry, as have its
   *     siblings
   */
  public void forget(Key key, Dot dot) {
    long hash = hash(key);
    int fingerprint = SlotTables.fingerprint(hash);
    SlotTable table = tables.of(hash);
    long stamp = table.lock();
    try {
      int payload = payloads.find(table, fingerprint, key);
      if (payload >= 0) {
        payloads.remove(table, payload);
      }
      int header = headerSlot(table, fingerprint, key, dot);
      long first = table.first(header);
      counts.count(table, first, table.second(header), -1);
      table.remove(header);
      if (SlotWords.hasPayload(first)) {
        // Without it the frame is short: worth a compaction, which keeps the header.
        frames.markDead(SlotWords.placeOf(first));
      } else {
        frames.markForgotten(first);
      }
      siblings.forget(key);
      counts.forgotten();
    } finally {
      table.unlock(stamp);
    }
  }

  /** How many keys have been deleted and are not forgotten yet. */
  public long tombstones() {
    return counts.tombstones();
  }

  /** Of the journal, for {@link #tombstones}. */
  public long tombstoneBytes() {
    return counts.tombstoneBytes();
  }

  /** How many tables {@link #mortalsIn} knows. */
  public static int tables() {
    return TABLES;
  }

  /**
   * Where the newest records of one table's keys are that are tombstones or have an expiry, for
   * {@link #mortalAt}. Reads nothing.
   *
   * @param table from 0 to {@link #tables} - 1
   * @param asked others are left out; a few that it was not asked of are not
   */
  public long[] mortalsIn(int table, Predicate<Dot> asked) {
    return walk.mortalsIn(table, asked);
  }

  /** The record at a place; null if it is not there any more. */
  public @Nullable MetadataRecord mortalAt(long place) {
    return named.recordIfAt(place);
  }

  /** Whether both are of one write, of which contexts may differ. */
  public static boolean isSameWrite(Header a, Header b) {
    return a.version().dot().equals(b.version().dot()) && a.payloadCrc32c() == b.payloadCrc32c();
  }

  private int headerSlot(SlotTable table, int fingerprint, Key key, Dot dot) {
    long wanted = dots.find(dot);
    int slot = table.find(fingerprint);
    for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
      long word = table.second(slot) & ~SlotWords.MORTAL;
      if (SlotWords.isHeader(word)
          && (DotWords.isExact(word)
              ? word == wanted
              : named.recordAt(table.first(slot)).key().equals(key))) {
        return slot;
      }
    }
    throw new IllegalStateException("the index has lost " + key);
  }

  /** The same where it is not known what was before: reads the journal. */
  public void replay(JournalEntry.Stored now, FrameLocation at) {
    publish(header(now.record().key()), now, at);
  }

  /**
   * A frame of the key can be read elsewhere now.
   *
   * @return whether the index named it
   */
  public boolean moved(Key key, FrameLocation from, FrameLocation to) {
    long hash = hash(key);
    int fingerprint = SlotTables.fingerprint(hash);
    SlotTable table = tables.of(hash);
    long stamp = table.lock();
    try {
      int slot = table.find(fingerprint);
      for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
        long first = table.first(slot);
        if (SlotWords.placeOf(first) == from.place()) {
          table.set(slot, SlotWords.movedTo(to.place(), first), table.second(slot));
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
    forEachKey(
        consumer,
        failure -> {
          throw failure;
        });
  }

  /**
   * The same, also if some cannot be read.
   *
   * @param unreadable is called for each of these, and may throw it
   */
  public void forEachKey(Consumer<Key> consumer, Consumer<StorageException> unreadable) {
    walk.forEachKey(consumer, unreadable);
  }

  /**
   * Calls with the present write of every key, in no order; what is published meanwhile may be
   * missing. Reads the journal for dots that do not fit into a slot alone.
   */
  public void forEachWrite(WriteVisitor visitor) {
    walk.forEachWrite(visitor);
  }

  /**
   * Calls with every version that is kept beside its key's present write, in no order; what is
   * published meanwhile may be missing. Reads nothing.
   */
  public void forEachSibling(SiblingVisitor visitor) {
    siblings.forEach(visitor);
  }

  /**
   * Actor and counter of each version beside the key's present write, two words each, in the order
   * in which the record has them; mostly none. Not to be written to.
   */
  public long[] siblingsOf(Key key) {
    return siblings.of(key);
  }

  /** All keys of which several versions are kept, in no order. */
  public List<Key> keysWithSiblings() {
    return siblings.keys();
  }

  /** Those of {@link #keysWithSiblings} with a version that is a tombstone or has an expiry. */
  public List<Key> keysWithMortalSiblings() {
    return siblings.mortalKeys();
  }

  /** Places of frames of one table that have a key's present header, and no payload with it. */
  public long[] withoutPayload(int table) {
    return walk.withoutPayload(table);
  }

  /** The key of the record at a place that {@link #forEachWrite} gave; null if it has moved. */
  public @Nullable Key keyAt(long place) {
    return walk.keyAt(place);
  }

  /** Describes what {@link #writePages} writes, for {@link #restore}. Nothing changes meanwhile. */
  public void describeTo(ByteWriter out) {
    file.describeTo(out, hashSeed);
  }

  /** Writes all slots from {@code offset} on. */
  public void writePages(DiskFile to, long offset) {
    file.writePages(to, offset);
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
    var index = new KeyIndex(frames, IndexFile.hashSeed(in));
    if (!index.file.restore(in, file, offset, frames)) {
      return null;
    }
    index.payloads.findSuperseded();
    return index;
  }

  /**
   * Whether the slots in {@code file} are those that {@link #describeTo} described. Holds a few
   * pages of them at a time.
   *
   * @param offset where they begin
   * @throws io.metafabric.core.error.WireFormatException if this is no description
   */
  public static boolean isWhole(ByteReader in, DiskFile file, long offset) {
    return IndexFile.isWhole(in, file, offset);
  }

  /** Whether a record of this actor has been in the journal. Exact for the first 262,143 actors. */
  public boolean hasSeen(ActorId actor) {
    return dots.hasSeen(actor);
  }

  /** Keys of which anything is known. */
  public long keys() {
    return counts.keys();
  }

  /** Memory of the frames that were read of late. */
  public long readCacheBytes() {
    return frames.cacheBytes();
  }

  /** {@link #readCacheBytes} is never more. */
  public long maxReadCacheBytes() {
    return frames.maxCacheBytes();
  }

  /**
   * Memory taken from the system, outside of the heap, and that of the order of payloads and of the
   * dots of siblings.
   */
  public long bytes() {
    return tables.bytes() + payloads.memoryBytes() + siblings.bytes();
  }

  /** Of the journal: payloads of older writes, that may be shown. */
  public long supersededBytes() {
    return payloads.supersededBytes();
  }

  /** How many of these payloads were given up, for want of room, before a newer one came. */
  public long supersededDropped() {
    return payloads.supersededDropped();
  }
}
