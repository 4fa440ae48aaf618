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
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
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
 * <p>Any thread may read; one at a time calls {@link #publish} or {@link #replay}, another {@link
 * #moved}.
 */
public final class KeyIndex {
  /** All keys are spread evenly over so many. */
  public static final int TABLES = 128;

  private static final int TABLE_SHIFT = Long.SIZE - 7;

  /** In a slot's first word: the frame has the payload too. */
  private static final long HAS_PAYLOAD = Long.MIN_VALUE;

  /** In a slot's second word: this is where the payload is, and another slot has the header. */
  private static final long PAYLOAD_ONLY = Long.MIN_VALUE;

  /** In a slot's second word: the record has an expiry. */
  private static final long EXPIRES = 1L << 62;

  /** In a slot's second word: the record is a tombstone. */
  private static final long TOMBSTONE = 1L << 61;

  private static final long MORTAL = EXPIRES | TOMBSTONE;

  /** In the first word of a slot that has a payload only: it is an older write's. */
  private static final long SUPERSEDED = Long.MIN_VALUE;

  private static final long FLAG = Long.MIN_VALUE;

  private static final int MUST_STAY_FACTOR = 4;

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
  private final AtomicLong tombstones = new AtomicLong();
  private final AtomicLong tombstoneBytes = new AtomicLong();
  private final SupersededQueue superseded = new SupersededQueue();
  private final SiblingDots siblings = new SiblingDots();
  private volatile long maxSupersededBytes = Long.MAX_VALUE / MUST_STAY_FACTOR;
  private volatile BiPredicate<Key, Dot> mustStay = (key, dot) -> false;
  // The publisher's: so much was over the bound, and had to stay.
  private long keptBytes;

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
  private record Found(JournalEntry.Stored stored, long place, long dot) {
    MetadataRecord record() {
      return stored.record();
    }

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

  private static boolean isHeader(long second) {
    return (second & PAYLOAD_ONLY) == 0;
  }

  private static long dotOf(long second) {
    return second & ~(PAYLOAD_ONLY | MORTAL);
  }

  private static long flagsOf(Header header) {
    long expires = header.expiresAtMs() == Header.NEVER ? 0 : EXPIRES;
    return header.isTombstone() ? expires | TOMBSTONE : expires;
  }

  private void count(SlotTable table, long first, long second, int sign) {
    if ((second & MORTAL) != 0) {
      table.addMortals(sign);
    }
    if ((second & TOMBSTONE) != 0) {
      tombstones.addAndGet(sign);
      tombstoneBytes.addAndGet((long) sign * lengthOf(first));
    }
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
    SlotTable table = table(hash);
    long[] before = null;
    while (true) {
      long[] words = slots(table, fingerprint(hash));
      requireChange(before, words, key);
      before = words;
      try {
        Found found = find(words, key);
        return found == null ? null : view.apply(words, found);
      } catch (FrameMovedException e) {
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
      if (!isHeader(words[i + 1]) && isSuperseded(words[i])) {
        MetadataRecord found = recordAt(words[i], newest.key());
        if (found.key().equals(newest.key())) {
          return found;
        }
      }
    }
    return null;
  }

  /** Of a slot that has a payload only. */
  private static boolean isSuperseded(long first) {
    return (first & SUPERSEDED) != 0;
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
        JournalEntry.Stored stored = storedAt(words[i], key);
        if (stored.record().key().equals(key)) {
          return new Found(stored, words[i], dotOf(words[i + 1]));
        }
      }
    }
    return null;
  }

  private MetadataRecord recordAt(long place) {
    return stored(frames.read(place & ~FLAG)).record();
  }

  private MetadataRecord recordAt(long place, Key expected) {
    return storedAt(place, expected).record();
  }

  private JournalEntry.Stored storedAt(long place, Key expected) {
    return stored(frames.read(place & ~FLAG, expected));
  }

  private static JournalEntry.Stored stored(@Nullable JournalEntry entry) {
    if (entry instanceof JournalEntry.Stored stored) {
      return stored;
    }
    if (entry == null) {
      throw new FrameMovedException();
    }
    throw new IllegalStateException("the index names " + entry + ", which is not a record");
  }

  private MetadataRecord withPayload(long[] words, Found header) {
    for (int i = 0; i < words.length && words[i] != 0; i += 2) {
      if (!isHeader(words[i + 1])
          && !isSuperseded(words[i])
          && dotOf(words[i + 1]) == header.dot()) {
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
    int answer = table(hash).has(fingerprint(hash), wanted, ~MORTAL, DotWords.INEXACT);
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
        table(hash)
            .has(
                fingerprint(hash), wanted | PAYLOAD_ONLY, ~MORTAL, DotWords.INEXACT | PAYLOAD_ONLY);
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
    long place = at.place() | (record.payload() == null ? 0 : HAS_PAYLOAD);
    long dot = dots.encode(record.header().version().dot());
    long second = dot | flagsOf(record.header());
    long hash = hash(record.key());
    int fingerprint = fingerprint(hash);
    SlotTable table = table(hash);
    long stamp = table.lock();
    try {
      if (before == null) {
        table.insert(fingerprint, place, second);
        keys.incrementAndGet();
        count(table, place, second, 1);
      } else {
        replace(table, hash, before, sameWrite, now, place, second);
      }
    } finally {
      table.unlock(stamp);
    }
    siblings.published(record);
    dropSuperseded();
  }

  private void replace(
      SlotTable table,
      long hash,
      Dot before,
      boolean sameWrite,
      JournalEntry.Stored now,
      long place,
      long second) {
    int fingerprint = fingerprint(hash);
    Key key = now.record().key();
    int header = headerSlot(table, fingerprint, key, before);
    long old = table.first(header);
    long oldSecond = table.second(header);
    if ((old & HAS_PAYLOAD) != 0) {
      long oldDot = dotOf(oldSecond) | PAYLOAD_ONLY;
      if (now.record().payload() == null && (sameWrite || before.equals(now.since()))) {
        // First what can fail, for want of memory; it may move the other.
        table.insert(fingerprint, (old & ~FLAG) | (sameWrite ? 0 : SUPERSEDED), oldDot);
        header = headerSlot(table, fingerprint, key, before);
        if (!sameWrite) {
          superseded.add(hash, oldDot, lengthOf(old));
        }
      } else {
        frames.markDead(old & ~FLAG);
      }
      setHeader(table, header, place, second);
      return;
    }
    setHeader(table, header, place, second);
    frames.markDead(old);
    int payload = payloadSlot(table, fingerprint, key);
    if (payload >= 0) {
      replacePayload(table, hash, payload, before, sameWrite, now);
    }
  }

  private void setHeader(SlotTable table, int slot, long place, long second) {
    count(table, table.first(slot), table.second(slot), -1);
    count(table, place, second, 1);
    table.set(slot, place, second);
  }

  /**
   * What becomes of a payload that was in a frame of its own, of the last write or an older one.
   */
  private void replacePayload(
      SlotTable table,
      long hash,
      int slot,
      Dot before,
      boolean sameWrite,
      JournalEntry.Stored now) {
    long first = table.first(slot);
    long second = table.second(slot);
    Dot since = now.since();
    boolean was = isSuperseded(first);
    boolean isOwn = sameWrite && !was;
    boolean isShown = since != null && (was ? isOf(first, second, since) : since.equals(before));
    if (now.record().payload() == null && (isOwn || isShown)) {
      if (!isOwn && !was) {
        table.set(slot, first | SUPERSEDED, second);
        superseded.add(hash, second, lengthOf(first));
      }
      return;
    }
    remove(table, slot);
  }

  private boolean isOf(long first, long second, Dot dot) {
    long word = second & ~PAYLOAD_ONLY;
    return DotWords.isExact(word)
        ? word == dots.find(dot)
        : recordAt(first).header().version().dot().equals(dot);
  }

  private void remove(SlotTable table, int slot) {
    long first = table.first(slot);
    if (isSuperseded(first)) {
      superseded.removed(lengthOf(first));
    }
    frames.markDead(first & ~FLAG);
    table.remove(slot);
  }

  private static int lengthOf(long first) {
    return FrameTable.maxLengthBytes(first & ~FLAG);
  }

  /**
   * How much of the journal may be payloads of older writes. Those that were superseded first go
   * first, but those that {@code mustStay} only beyond {@value #MUST_STAY_FACTOR} times as much.
   *
   * @param mustStay is asked about writes that nobody else may have; must not wait
   */
  public void limitSuperseded(long maxBytes, BiPredicate<Key, Dot> mustStay) {
    this.mustStay = mustStay;
    maxSupersededBytes = maxBytes;
  }

  private void dropSuperseded() {
    superseded.forgetGone((hash, dot) -> withSuperseded(hash, dot, (table, slot) -> true));
    long max = maxSupersededBytes;
    long most = MUST_STAY_FACTOR * max;
    if (superseded.bytes() <= Math.max(max, Math.min(most, keptBytes + keptBytes / 8))) {
      return;
    }
    // Beyond the most a little more is given up than must be, so that this is not done each time.
    long keepable = superseded.bytes() > most ? most - most / 8 : most;
    for (int left = superseded.size(); left > 0 && superseded.bytes() > max; left--) {
      boolean mayKeep = superseded.bytes() <= keepable;
      SupersededQueue.Entry oldest = superseded.poll();
      withSuperseded(
          oldest.hash(),
          oldest.dot(),
          (table, slot) -> {
            if (mayKeep && mustStay(table.first(slot))) {
              superseded.addAgain(oldest);
            } else {
              remove(table, slot);
              superseded.dropped();
            }
            return true;
          });
    }
    // Those that must stay are not looked at for each that is added.
    keptBytes = superseded.bytes() > max ? superseded.bytes() : 0;
  }

  private boolean mustStay(long first) {
    MetadataRecord record;
    try {
      record = recordAt(first);
    } catch (StorageException e) {
      // What is damaged is of no use to anybody, and must not stop what is published.
      return false;
    }
    return mustStay.test(record.key(), record.header().version().dot());
  }

  private interface SlotAction {
    boolean run(SlotTable table, int slot);
  }

  /** False if there is no such slot any more. */
  private boolean withSuperseded(long hash, long dot, SlotAction action) {
    SlotTable table = table(hash);
    int fingerprint = fingerprint(hash);
    long stamp = table.lock();
    try {
      int slot = table.find(fingerprint);
      for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
        if (table.second(slot) == dot && isSuperseded(table.first(slot))) {
          return action.run(table, slot);
        }
      }
      return false;
    } finally {
      table.unlock(stamp);
    }
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
    int fingerprint = fingerprint(hash);
    SlotTable table = table(hash);
    long stamp = table.lock();
    try {
      int payload = payloadSlot(table, fingerprint, key);
      if (payload >= 0) {
        remove(table, payload);
      }
      int header = headerSlot(table, fingerprint, key, dot);
      long first = table.first(header);
      count(table, first, table.second(header), -1);
      table.remove(header);
      if ((first & HAS_PAYLOAD) != 0) {
        // Without it the frame is short: worth a compaction, which keeps the header.
        frames.markDead(first & ~FLAG);
      } else {
        frames.markForgotten(first);
      }
      siblings.forget(key);
      keys.decrementAndGet();
    } finally {
      table.unlock(stamp);
    }
  }

  /** How many keys have been deleted and are not forgotten yet. */
  public long tombstones() {
    return tombstones.get();
  }

  /** Of the journal, for {@link #tombstones}. */
  public long tombstoneBytes() {
    return tombstoneBytes.get();
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
    return tables[table].mortals() == 0 ? new long[0] : mortalPlaces(tables[table], asked);
  }

  /** The record at a place; null if it is not there any more. */
  public @Nullable MetadataRecord mortalAt(long place) {
    return frames.read(place & ~FLAG) instanceof JournalEntry.Stored stored
        ? stored.record()
        : null;
  }

  private long[] mortalPlaces(SlotTable table, Predicate<Dot> asked) {
    long stamp = table.lock();
    try {
      long[] places = new long[8];
      int count = 0;
      for (int slot = 0; slot < table.slots(); slot++) {
        long second = table.second(slot);
        if (table.first(slot) != 0 && isHeader(second) && (second & MORTAL) != 0) {
          Dot dot = dots.decode(dotOf(second));
          if (dot == null || asked.test(dot)) {
            places = count == places.length ? Arrays.copyOf(places, 2 * count) : places;
            places[count++] = table.first(slot);
          }
        }
      }
      return Arrays.copyOf(places, count);
    } finally {
      table.unlock(stamp);
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
      long word = table.second(slot) & ~MORTAL;
      if (isHeader(word)
          && (DotWords.isExact(word)
              ? word == wanted
              : recordAt(table.first(slot)).key().equals(key))) {
        return slot;
      }
    }
    throw new IllegalStateException("the index has lost " + key);
  }

  /** Where the payload is that a key has beside its newest header; -1 if there is none. */
  private int payloadSlot(SlotTable table, int fingerprint, Key key) {
    int slot = table.find(fingerprint);
    int first = slot;
    int headers = 0;
    for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
      headers += isHeader(table.second(slot)) ? 1 : 0;
    }
    for (slot = first; slot >= 0 && table.matches(slot, fingerprint); slot++) {
      if (!isHeader(table.second(slot))
          && (headers == 1 || recordAt(table.first(slot)).key().equals(key))) {
        return slot;
      }
    }
    return -1;
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
    int fingerprint = fingerprint(hash);
    SlotTable table = table(hash);
    long stamp = table.lock();
    try {
      int slot = table.find(fingerprint);
      for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
        long first = table.first(slot);
        if ((first & ~FLAG) == from.place()) {
          table.set(slot, to.place() | (first & FLAG), table.second(slot));
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
    for (SlotTable table : tables) {
      long[] places = headers(table);
      while (!forEachKey(places, consumer, unreadable)) {
        // Compaction moved one of them before anything was said.
        long[] again = headers(table);
        if (Arrays.equals(places, again)) {
          throw new IllegalStateException("the index names frames that are gone");
        }
        places = again;
      }
    }
  }

  private boolean forEachKey(
      long[] places, Consumer<Key> consumer, Consumer<StorageException> unreadable) {
    var found = new ArrayList<Key>(places.length);
    var failed = new ArrayList<StorageException>();
    try {
      for (long place : places) {
        try {
          found.add(recordAt(place).key());
        } catch (StorageException e) {
          failed.add(e);
        }
      }
    } catch (FrameMovedException e) {
      return false;
    }
    failed.forEach(unreadable);
    found.forEach(consumer);
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

  /** What is done with each key's present write. */
  @FunctionalInterface
  public interface WriteVisitor {
    /**
     * @param actor and {@code counter} are the write's dot
     * @param place of the frame, for {@link #keyAt}
     */
    void visit(long actor, long counter, long place);
  }

  /**
   * Calls with the present write of every key, in no order; what is published meanwhile may be
   * missing. Reads the journal for dots that do not fit into a slot alone.
   */
  public void forEachWrite(WriteVisitor visitor) {
    for (SlotTable table : tables) {
      long[] words = writes(table);
      long[] written = dotsOf(words);
      while (written == null) {
        // Compaction moved one of them before anything was said.
        words = writes(table);
        written = dotsOf(words);
      }
      for (int i = 0; i < words.length; i += 2) {
        visitor.visit(written[i], written[i + 1], words[i]);
      }
    }
  }

  /** What is done with each version beside a key's winner. */
  @FunctionalInterface
  public interface SiblingVisitor {
    /**
     * @param actor and {@code counter} are the version's dot
     */
    void visit(Key key, long actor, long counter);
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

  /** Actor and counter for each place and dot's word; null if a frame has moved. */
  private long @Nullable [] dotsOf(long[] words) {
    var written = new long[words.length];
    try {
      for (int i = 0; i < words.length; i += 2) {
        long word = words[i + 1];
        if (DotWords.isExact(word)) {
          written[i] = dots.actor(word).id();
          written[i + 1] = DotWords.counter(word);
        } else {
          Dot dot = recordAt(words[i]).header().version().dot();
          written[i] = dot.actor().id();
          written[i + 1] = dot.counter();
        }
      }
      return written;
    } catch (FrameMovedException e) {
      return null;
    }
  }

  private static long[] writes(SlotTable table) {
    long stamp = table.lock();
    try {
      int left = table.used();
      long[] words = new long[2 * left];
      int length = 0;
      for (int slot = 0; left > 0; slot++) {
        long first = table.first(slot);
        if (first != 0) {
          left--;
          if (isHeader(table.second(slot))) {
            words[length++] = first;
            words[length++] = dotOf(table.second(slot));
          }
        }
      }
      return Arrays.copyOf(words, length);
    } finally {
      table.unlock(stamp);
    }
  }

  /** Places of frames of one table that have a key's present header, and no payload with it. */
  public long[] withoutPayload(int table) {
    long[] words = writes(tables[table]);
    int count = 0;
    for (int i = 0; i < words.length; i += 2) {
      if ((words[i] & HAS_PAYLOAD) == 0) {
        words[count++] = words[i];
      }
    }
    return Arrays.copyOf(words, count);
  }

  /** The key of the record at a place that {@link #forEachWrite} gave; null if it has moved. */
  public @Nullable Key keyAt(long place) {
    try {
      return recordAt(place).key();
    } catch (FrameMovedException e) {
      return null;
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
    siblings.describeTo(out);
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
    index.siblings.restore(in);
    if (!index.markAllLive()) {
      return null;
    }
    index.findSuperseded();
    return index;
  }

  /** In the order of their places, which is about that in which they were written. */
  private void findSuperseded() {
    record Placed(long hash, long dot, long place) {}
    var found = new ArrayList<Placed>();
    for (int i = 0; i < TABLES; i++) {
      SlotTable table = tables[i];
      for (int slot = 0; slot < table.slots(); slot++) {
        long first = table.first(slot);
        if (first != 0 && !isHeader(table.second(slot)) && isSuperseded(first)) {
          long hash = (long) i << TABLE_SHIFT | Integer.toUnsignedLong(table.fingerprint(slot));
          found.add(new Placed(hash, table.second(slot), first & ~FLAG));
        }
      }
    }
    found.sort(Comparator.comparingLong(Placed::place));
    found.forEach(each -> superseded.add(each.hash(), each.dot(), lengthOf(each.place())));
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

  /** Accounts for all frames that are named; false if one of them, or of the slots, is missing. */
  private boolean markAllLive() {
    for (SlotTable table : tables) {
      int used = 0;
      for (int slot = 0; slot < table.slots(); slot++) {
        long first = table.first(slot);
        if (first == 0) {
          continue;
        }
        used++;
        if (!frames.markLive(first & ~FLAG)) {
          return false;
        }
        if (isHeader(table.second(slot))) {
          count(table, first, table.second(slot), 1);
        }
      }
      if (used != table.used()) {
        return false;
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

  /**
   * Memory taken from the system, outside of the heap, and that of the order of payloads and of the
   * dots of siblings.
   */
  public long bytes() {
    return pool.bytes() + superseded.memoryBytes() + siblings.bytes();
  }

  /** Of the journal: payloads of older writes, that may be shown. */
  public long supersededBytes() {
    return superseded.bytes();
  }

  /** How many of these payloads were given up, for want of room, before a newer one came. */
  public long supersededDropped() {
    return superseded.droppedCount();
  }
}
