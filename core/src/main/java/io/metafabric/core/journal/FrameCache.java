package io.metafabric.core.journal;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Frames that were read of late, outside of the heap: a ring in which the newest overwrite the
 * oldest, and a table of where in it they are. Takes memory only as it fills. Thread-safe.
 *
 * <p>A reader copies and looks afterwards whether somebody has begun to overwrite what it copied;
 * it never waits. Of those who would add frames at the same time, one does, the others let it be.
 */
final class FrameCache {
  private static final int MIN_CHUNK_BYTES = 4096;
  private static final int CHUNKS = 64;

  /** In front of each frame: which it is, and its length. */
  private static final int HEADER_BYTES = 16;

  private static final int LENGTH_AT = 8;

  /** A frame is in one of the places of a bucket, which is as long as a cache line. */
  private static final int BUCKET = 8;

  /** One place in the table for this much of the ring. */
  private static final int BYTES_PER_PLACE = 128;

  // A place in the table: bits of the frame's hash, and its position in the ring in words, plus 1.
  private static final int POSITION_BITS = 44;
  private static final long POSITION_MASK = (1L << POSITION_BITS) - 1;

  private final int chunkShift;
  private final int chunkMask;
  private final AtomicReferenceArray<@Nullable ByteBuffer> chunks;
  private final AtomicBoolean adding = new AtomicBoolean();

  private volatile AtomicLongArray places;
  private volatile int allocated;

  // How many chunks the ring has, once all of them are there.
  private volatile int count;

  // Everything ever added ends here. What is more than the ring's size before it is, or is being,
  // overwritten.
  private volatile long end;

  /**
   * @param maxBytes about as much is kept at most; nothing if that is less than 64 KiB
   */
  FrameCache(long maxBytes) {
    long chunk = Long.highestOneBit(Math.max(1, maxBytes / CHUNKS));
    int chunkBytes = (int) Math.min(1 << 30, Math.max(MIN_CHUNK_BYTES, chunk));
    chunkShift = Integer.numberOfTrailingZeros(chunkBytes);
    chunkMask = chunkBytes - 1;
    count = maxBytes < (long) MIN_CHUNK_BYTES * 16 ? 0 : (int) (maxBytes / chunkBytes);
    chunks = new AtomicReferenceArray<>(count);
    places = new AtomicLongArray(BUCKET);
  }

  /**
   * @param frame its name, not 0, that no other frame ever has
   * @return a copy, or null if it is not here
   */
  @Nullable ByteBuffer get(long frame) {
    AtomicLongArray table = places;
    long hash = hash(frame);
    int bucket = bucket(table, hash);
    for (int i = bucket; i < bucket + BUCKET; i++) {
      long place = table.getAcquire(i);
      if (place != 0 && tag(place) == tag(hash)) {
        ByteBuffer found = copy(frame, position(place));
        if (found != null) {
          return found;
        }
      }
    }
    return null;
  }

  private @Nullable ByteBuffer copy(long frame, long position) {
    ByteBuffer chunk = chunks.getAcquire(chunkOf(position));
    int at = (int) position & chunkMask;
    if (chunk == null || isOverwritten(position) || chunk.getLong(at) != frame) {
      return null;
    }
    int length = chunk.getInt(at + LENGTH_AT);
    if (length < 0 || length > chunkMask + 1 - at - HEADER_BYTES) {
      return null;
    }
    var copy = new byte[length];
    chunk.get(at + HEADER_BYTES, copy);
    VarHandle.acquireFence();
    return isOverwritten(position) ? null : ByteBuffer.wrap(copy);
  }

  private boolean isOverwritten(long position) {
    return end - position > (long) count << chunkShift;
  }

  /**
   * @param frame its name, not 0, that no other frame ever has
   * @param bytes all of it, between position and limit, which stay
   */
  void add(long frame, ByteBuffer bytes) {
    int needed = (HEADER_BYTES + bytes.remaining() + Long.BYTES - 1) & -Long.BYTES;
    // Large ones would waste the ends of chunks, and gain little.
    if (count == 0 || needed > (chunkMask + 1) / 4 || !adding.compareAndSet(false, true)) {
      return;
    }
    try {
      long position = end;
      int room = chunkMask + 1 - ((int) position & chunkMask);
      if (room < needed) {
        position += room;
      }
      ByteBuffer chunk = chunkFor(position);
      if (chunk != null) {
        put(chunk, frame, bytes, position, position + needed);
      }
    } finally {
      adding.set(false);
    }
  }

  private void put(ByteBuffer chunk, long frame, ByteBuffer bytes, long position, long newEnd) {
    end = newEnd;
    // Whoever sees anything of what follows sees that the ring has moved on.
    VarHandle.storeStoreFence();
    int at = (int) position & chunkMask;
    chunk.putLong(at, frame);
    chunk.putInt(at + LENGTH_AT, bytes.remaining());
    chunk.put(at + HEADER_BYTES, bytes, bytes.position(), bytes.remaining());
    enter(places, hash(frame), position);
  }

  /** In place of itself, of what is gone, or else of the oldest. */
  private void enter(AtomicLongArray table, long hash, long position) {
    int bucket = bucket(table, hash);
    int chosen = bucket;
    long oldest = Long.MAX_VALUE;
    for (int i = bucket; i < bucket + BUCKET; i++) {
      long place = table.getPlain(i);
      long age = place == 0 || tag(place) == tag(hash) ? -1 : position(place);
      if (age < oldest) {
        oldest = age;
        chosen = i;
      }
    }
    table.setRelease(chosen, tag(hash) << POSITION_BITS | (position / Long.BYTES + 1));
  }

  private @Nullable ByteBuffer chunkFor(long position) {
    int number = chunkOf(position);
    ByteBuffer chunk = chunks.getPlain(number);
    if (chunk == null) {
      try {
        chunk = ByteBuffer.allocateDirect(chunkMask + 1);
      } catch (OutOfMemoryError e) {
        // Others need it more: the ring is what there is of it, and the next one begins anew.
        count = number;
        return null;
      }
      chunks.setRelease(number, chunk);
      allocated = number + 1;
      lengthenTable();
    }
    return chunk;
  }

  /** While the ring is in its first round, all that was added is still there. */
  private void lengthenTable() {
    AtomicLongArray old = places;
    long wanted = ((long) allocated << chunkShift) / BYTES_PER_PLACE;
    if (old.length() >= wanted) {
      return;
    }
    var longer = new AtomicLongArray((int) Long.highestOneBit(2 * wanted - 1));
    for (int i = 0; i < old.length(); i++) {
      long place = old.getPlain(i);
      ByteBuffer chunk = place == 0 ? null : chunks.getPlain(chunkOf(position(place)));
      if (chunk != null) {
        enter(longer, hash(chunk.getLong((int) position(place) & chunkMask)), position(place));
      }
    }
    places = longer;
  }

  private int chunkOf(long position) {
    // A position that somebody has just taken from the table may be of a ring that was larger.
    return (int) ((position >>> chunkShift) % Math.max(1, count));
  }

  private static long position(long place) {
    return ((place & POSITION_MASK) - 1) * Long.BYTES;
  }

  private static long tag(long hashOrPlace) {
    return hashOrPlace >>> POSITION_BITS;
  }

  private static int bucket(AtomicLongArray table, long hash) {
    return (int) hash & (table.length() - BUCKET);
  }

  private static long hash(long frame) {
    long hash = frame * 0x9e3779b97f4a7c15L;
    return hash ^ hash >>> 32;
  }

  /** Memory taken, the table's on the heap included. */
  long bytes() {
    return ((long) allocated << chunkShift) + 8L * places.length();
  }

  /** {@link #bytes} is never more. */
  long maxBytes() {
    long ring = (long) chunks.length() << chunkShift;
    return ring + 8 * Math.max(BUCKET, 2 * ring / BYTES_PER_PLACE);
  }
}
