package io.metafabric.core.index;

import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.StampedLock;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An open-addressing table of slots of 20 bytes outside of the heap: a fingerprint, and two words
 * that mean something to the caller. Several slots may have the same fingerprint.
 *
 * <p>A slot's place follows from its fingerprint in ascending order, and slots that do not find
 * their place free move on to the next: so the whole is a sorted array with gaps (linear probing
 * with ordered insertion; Amble and Knuth, "Ordered hash tables", 1974). A search ends at the first
 * larger fingerprint, and growing is one pass.
 *
 * <p>{@link #copyMatches} may be called by anybody; all else between {@link #lock} and {@link
 * #unlock}.
 */
final class SlotTable {
  static final int SLOT_BYTES = 20;
  static final int SLOTS_PER_PAGE = PagePool.PAGE_BYTES / SLOT_BYTES;

  static final int NO = 0;
  static final int YES = 1;
  static final int UNSURE = 2;

  private static final int FIRST_AT = 4;
  private static final int SECOND_AT = 12;

  /** Grown beyond this share of slots in use, by {@link #GROW_BY}. */
  private static final double MAX_LOAD = 0.84;

  private static final double GROW_BY = 1.2;

  private final PagePool pool;
  private final StampedLock lock = new StampedLock();

  // Guarded by the lock; the optimistic reader takes what it finds, and looks at the stamp then.
  private volatile ByteBuffer[] pages;
  private int used;

  SlotTable(PagePool pool) {
    this.pool = pool;
    this.pages = new ByteBuffer[] {pool.take()};
  }

  /**
   * Copies the words of all slots with a fingerprint, two for each, as they were at one moment.
   *
   * @return how many slots there are; if {@code into} is too short, not all of them are copied
   */
  int copyMatches(int fingerprint, long[] into) {
    long stamp = lock.tryOptimisticRead();
    if (stamp != 0) {
      int found = scan(fingerprint, into);
      if (lock.validate(stamp)) {
        return found;
      }
    }
    stamp = lock.readLock();
    try {
      return scan(fingerprint, into);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /**
   * Whether a slot with this fingerprint has this second word. Allocates nothing.
   *
   * @param unsure another second word, which makes the answer unsure
   * @return {@link #YES}, {@link #NO}, or {@link #UNSURE} if no slot has the one, and one the other
   */
  int has(int fingerprint, long second, long unsure) {
    long stamp = lock.tryOptimisticRead();
    if (stamp != 0) {
      int answer = look(fingerprint, second, unsure);
      if (lock.validate(stamp)) {
        return answer;
      }
    }
    stamp = lock.readLock();
    try {
      return look(fingerprint, second, unsure);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  private int look(int fingerprint, long second, long unsure) {
    ByteBuffer[] from = pages;
    int total = from.length * SLOTS_PER_PAGE;
    int answer = NO;
    for (int slot = home(fingerprint, total); slot < total; slot++) {
      ByteBuffer page = from[slot / SLOTS_PER_PAGE];
      int at = slot % SLOTS_PER_PAGE * SLOT_BYTES;
      if (page.getLong(at + FIRST_AT) == 0) {
        break;
      }
      int order = Integer.compareUnsigned(page.getInt(at), fingerprint);
      if (order > 0) {
        break;
      }
      if (order == 0) {
        long word = page.getLong(at + SECOND_AT);
        if (word == second) {
          return YES;
        }
        answer = word == unsure ? UNSURE : answer;
      }
    }
    return answer;
  }

  private int scan(int fingerprint, long[] into) {
    ByteBuffer[] from = pages;
    int total = from.length * SLOTS_PER_PAGE;
    int found = 0;
    for (int slot = home(fingerprint, total); slot < total; slot++) {
      ByteBuffer page = from[slot / SLOTS_PER_PAGE];
      int at = slot % SLOTS_PER_PAGE * SLOT_BYTES;
      long first = page.getLong(at + FIRST_AT);
      int order = first == 0 ? 1 : Integer.compareUnsigned(page.getInt(at), fingerprint);
      if (order > 0) {
        break;
      }
      if (order == 0) {
        if (2 * found + 1 < into.length) {
          into[2 * found] = first;
          into[2 * found + 1] = page.getLong(at + SECOND_AT);
        }
        found++;
      }
    }
    return found;
  }

  /** Some slots at the end are nobody's place, so that none has to go on at the front. */
  private static int home(int fingerprint, int total) {
    int homes = total - Math.max(8, total / 64);
    return (int) ((Integer.toUnsignedLong(fingerprint) * homes) >>> 32);
  }

  long lock() {
    return lock.writeLock();
  }

  void unlock(long stamp) {
    lock.unlockWrite(stamp);
  }

  /** The first slot with a fingerprint, or -1. Those with the same follow without a gap. */
  int find(int fingerprint) {
    for (int slot = home(fingerprint, total()); slot < total() && first(slot) != 0; slot++) {
      int order = Integer.compareUnsigned(fingerprint(slot), fingerprint);
      if (order >= 0) {
        return order == 0 ? slot : -1;
      }
    }
    return -1;
  }

  boolean matches(int slot, int fingerprint) {
    return slot < total() && first(slot) != 0 && fingerprint(slot) == fingerprint;
  }

  private int total() {
    return pages.length * SLOTS_PER_PAGE;
  }

  int fingerprint(int slot) {
    return pages[slot / SLOTS_PER_PAGE].getInt(at(slot));
  }

  long first(int slot) {
    return pages[slot / SLOTS_PER_PAGE].getLong(at(slot) + FIRST_AT);
  }

  long second(int slot) {
    return pages[slot / SLOTS_PER_PAGE].getLong(at(slot) + SECOND_AT);
  }

  private static int at(int slot) {
    return slot % SLOTS_PER_PAGE * SLOT_BYTES;
  }

  /**
   * @param first not 0
   */
  void set(int slot, long first, long second) {
    put(pages, slot, fingerprint(slot), first, second);
  }

  private static void put(ByteBuffer[] to, int slot, int fingerprint, long first, long second) {
    ByteBuffer page = to[slot / SLOTS_PER_PAGE];
    page.putInt(at(slot), fingerprint);
    page.putLong(at(slot) + FIRST_AT, first);
    page.putLong(at(slot) + SECOND_AT, second);
  }

  /**
   * Slots that the caller knows may have moved afterwards.
   *
   * @param first not 0
   */
  void insert(int fingerprint, long first, long second) {
    if (first == 0) {
      throw new IllegalArgumentException("the first word of a slot must not be 0");
    }
    if (used + 1 > MAX_LOAD * total()) {
      grow();
    }
    while (!tryInsert(fingerprint, first, second)) {
      grow();
    }
    used++;
  }

  private boolean tryInsert(int fingerprint, long first, long second) {
    int total = total();
    int slot = home(fingerprint, total);
    while (slot < total
        && first(slot) != 0
        && Integer.compareUnsigned(fingerprint(slot), fingerprint) <= 0) {
      slot++;
    }
    int free = slot;
    while (free < total && first(free) != 0) {
      free++;
    }
    if (free == total) {
      return false;
    }
    for (int to = free; to > slot; to--) {
      put(pages, to, fingerprint(to - 1), first(to - 1), second(to - 1));
    }
    put(pages, slot, fingerprint, first, second);
    return true;
  }

  /** Slots that the caller knows may have moved afterwards. */
  void remove(int slot) {
    int total = total();
    int gap = slot;
    for (int next = slot + 1;
        next < total && first(next) != 0 && home(fingerprint(next), total) < next;
        next++) {
      put(pages, gap, fingerprint(next), first(next), second(next));
      gap = next;
    }
    put(pages, gap, 0, 0, 0);
    used--;
  }

  private void grow() {
    ByteBuffer[] old = pages;
    int count = old.length;
    ByteBuffer[] fresh;
    do {
      count = Math.max(count + 1, (int) Math.ceil(count * GROW_BY));
      fresh = spreadOver(count);
    } while (fresh == null);
    pages = fresh;
    for (ByteBuffer page : old) {
      pool.give(page);
    }
  }

  /** The same slots in that many pages, or null if too many of them want to be at the end. */
  private ByteBuffer @Nullable [] spreadOver(int count) {
    var fresh = new ByteBuffer[count];
    for (int i = 0; i < count; i++) {
      fresh[i] = pool.take();
    }
    int newTotal = count * SLOTS_PER_PAGE;
    int next = 0;
    for (int slot = 0; slot < total(); slot++) {
      long first = first(slot);
      if (first != 0) {
        next = Math.max(next, home(fingerprint(slot), newTotal));
        if (next == newTotal) {
          for (ByteBuffer page : fresh) {
            pool.give(page);
          }
          return null;
        }
        put(fresh, next++, fingerprint(slot), first, second(slot));
      }
    }
    return fresh;
  }

  /** CRC32C of all pages. */
  int crc32c() {
    var crc = new CRC32C();
    for (ByteBuffer page : pages) {
      crc.update(page.duplicate());
    }
    return (int) crc.getValue();
  }

  /** How many pages there are to be written: none of an empty table. */
  int usedPages() {
    return used == 0 ? 0 : pages.length;
  }

  /**
   * Writes the pages as they are, many at a time.
   *
   * @param through room for one page at least
   */
  void writeTo(DiskFile file, long offset, ByteBuffer through) {
    long at = offset;
    through.clear();
    for (int i = 0; i < usedPages(); i++) {
      through.put(pages[i].duplicate());
      if (through.remaining() < PagePool.PAGE_BYTES || i + 1 == usedPages()) {
        int bytes = through.position();
        file.write(at, through.flip());
        through.clear();
        at += bytes;
      }
    }
  }

  /**
   * Takes over the pages of a table that was written.
   *
   * @param count of pages
   * @param inUse slots, of all of them
   * @param through room for one page at least
   * @return false if the file has something else; the table is of no use then
   */
  boolean readFrom(DiskFile file, long offset, int count, int inUse, int crc, ByteBuffer through) {
    var read = new ByteBuffer[count];
    through.clear().limit(0);
    for (int i = 0; i < count; i++) {
      if (!through.hasRemaining()) {
        int wanted = Math.min(through.capacity() / PagePool.PAGE_BYTES, count - i);
        through.clear().limit(wanted * PagePool.PAGE_BYTES);
        if (file.read(offset + (long) i * PagePool.PAGE_BYTES, through) < through.limit()) {
          return false;
        }
        through.flip();
      }
      read[i] = i < pages.length ? pages[i] : pool.take();
      read[i].duplicate().put(through.slice(through.position(), PagePool.PAGE_BYTES));
      through.position(through.position() + PagePool.PAGE_BYTES);
    }
    pages = read;
    used = inUse;
    return crc32c() == crc;
  }

  /** Whether the pages that were written to {@code file} are there, as they were. */
  static boolean hasChecksum(
      int expected, DiskFile file, long offset, long bytes, ByteBuffer through) {
    var crc = new CRC32C();
    for (long at = 0; at < bytes; at += through.limit()) {
      through.clear().limit((int) Math.min(through.capacity(), bytes - at));
      if (file.read(offset + at, through) < through.limit()) {
        return false;
      }
      crc.update(through.flip());
    }
    return (int) crc.getValue() == expected;
  }

  /** Slots in use. */
  int used() {
    return used;
  }

  /** All slots, in use or not; those that are not have a first word of 0. */
  int slots() {
    return total();
  }

  long bytes() {
    return (long) pages.length * PagePool.PAGE_BYTES;
  }
}
