package io.metafabric.core.index;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.function.BiPredicate;

/**
 * Slots that have a payload only, because it came in another frame than the newest header, or is an
 * older write's that may be shown until the newest one's can be read. Owns the order in which
 * payloads were superseded, and the bound on them.
 *
 * <p>Belongs to the publisher, but for what says otherwise; what takes a table is called under its
 * lock.
 */
final class PayloadSlots {
  /** What must stay may be so many times as much as the bound. */
  private static final int MUST_STAY_FACTOR = 4;

  private final SlotTables tables;
  private final DotWords dots;
  private final FrameTable frames;
  private final NamedFrames named;
  private final SupersededQueue superseded = new SupersededQueue();
  private volatile long maxSupersededBytes = Long.MAX_VALUE / MUST_STAY_FACTOR;
  private volatile BiPredicate<Key, Dot> mustStay = (key, dot) -> false;
  // So much was over the bound, and had to stay.
  private long keptBytes;

  PayloadSlots(SlotTables tables, DotWords dots, FrameTable frames, NamedFrames named) {
    this.tables = tables;
    this.dots = dots;
    this.frames = frames;
    this.named = named;
  }

  /** Where the payload is that a key has beside its newest header; -1 if there is none. */
  int find(SlotTable table, int fingerprint, Key key) {
    int slot = table.find(fingerprint);
    int first = slot;
    int headers = 0;
    for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
      headers += SlotWords.isHeader(table.second(slot)) ? 1 : 0;
    }
    for (slot = first; slot >= 0 && table.matches(slot, fingerprint); slot++) {
      if (!SlotWords.isHeader(table.second(slot))
          && (headers == 1 || named.recordAt(table.first(slot)).key().equals(key))) {
        return slot;
      }
    }
    return -1;
  }

  /**
   * Gives the payload of a header's frame a slot of its own. May move the key's other slots.
   *
   * @param first word of the header's slot
   * @param dot second word of the new one
   * @param sameWrite false if what replaces the header is another write
   */
  void insert(SlotTable table, long hash, long first, long dot, boolean sameWrite) {
    long flag = sameWrite ? 0 : SlotWords.SUPERSEDED;
    table.insert(SlotTables.fingerprint(hash), SlotWords.placeOf(first) | flag, dot);
  }

  /** An older write's from now on: it stands last in the order. */
  void wasSuperseded(long hash, long dot, long first) {
    superseded.add(hash, dot, SlotWords.lengthOf(first));
  }

  /**
   * What becomes of a payload that was in a frame of its own, of the last write or an older one.
   */
  void replace(
      SlotTable table,
      long hash,
      int slot,
      Dot before,
      boolean sameWrite,
      JournalEntry.Stored now) {
    long first = table.first(slot);
    long second = table.second(slot);
    Dot since = now.since();
    boolean was = SlotWords.isSuperseded(first);
    boolean isOwn = sameWrite && !was;
    boolean isShown = since != null && (was ? isOf(first, second, since) : since.equals(before));
    if (now.record().payload() == null && (isOwn || isShown)) {
      if (!isOwn && !was) {
        table.set(slot, first | SlotWords.SUPERSEDED, second);
        wasSuperseded(hash, second, first);
      }
      return;
    }
    remove(table, slot);
  }

  private boolean isOf(long first, long second, Dot dot) {
    long word = second & ~SlotWords.PAYLOAD_ONLY;
    return DotWords.isExact(word)
        ? word == dots.find(dot)
        : named.recordAt(first).header().version().dot().equals(dot);
  }

  /** Any thread. */
  void remove(SlotTable table, int slot) {
    long first = table.first(slot);
    if (SlotWords.isSuperseded(first)) {
      superseded.removed(SlotWords.lengthOf(first));
    }
    frames.markDead(SlotWords.placeOf(first));
    table.remove(slot);
  }

  /** See {@link KeyIndex#limitSuperseded}. Any thread. */
  void limitSuperseded(long maxBytes, BiPredicate<Key, Dot> mustStay) {
    this.mustStay = mustStay;
    maxSupersededBytes = maxBytes;
  }

  /** Keeps to the bound; under no lock. */
  void dropSuperseded() {
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
      record = named.recordAt(first);
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
    SlotTable table = tables.of(hash);
    int fingerprint = SlotTables.fingerprint(hash);
    long stamp = table.lock();
    try {
      int slot = table.find(fingerprint);
      for (; slot >= 0 && table.matches(slot, fingerprint); slot++) {
        if (table.second(slot) == dot && SlotWords.isSuperseded(table.first(slot))) {
          return action.run(table, slot);
        }
      }
      return false;
    } finally {
      table.unlock(stamp);
    }
  }

  /**
   * Makes the order anew once all slots are back: that of their places, which is about that in
   * which they were written.
   */
  void findSuperseded() {
    record Placed(long hash, long dot, long place) {}
    var found = new ArrayList<Placed>();
    for (int i = 0; i < SlotTables.COUNT; i++) {
      SlotTable table = tables.get(i);
      for (int slot = 0; slot < table.slots(); slot++) {
        long first = table.first(slot);
        if (first != 0
            && !SlotWords.isHeader(table.second(slot))
            && SlotWords.isSuperseded(first)) {
          long hash = SlotTables.hashOf(i, table.fingerprint(slot));
          found.add(new Placed(hash, table.second(slot), SlotWords.placeOf(first)));
        }
      }
    }
    found.sort(Comparator.comparingLong(Placed::place));
    found.forEach(each -> wasSuperseded(each.hash(), each.dot(), each.place()));
  }

  /** Of the journal: payloads of older writes. Any thread. */
  long supersededBytes() {
    return superseded.bytes();
  }

  /** Any thread. */
  long supersededDropped() {
    return superseded.droppedCount();
  }

  /** What their order takes. Any thread. */
  long memoryBytes() {
    return superseded.memoryBytes();
  }
}
