package io.metafabric.cache.chronicle;

import java.io.File;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import net.openhft.chronicle.hash.serialization.impl.ByteArrayDataAccess;
import net.openhft.chronicle.hash.serialization.impl.ByteArraySizedReader;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;
import net.openhft.chronicle.map.ExternalMapQueryContext;
import net.openhft.chronicle.map.MapEntry;
import org.jspecify.annotations.Nullable;

/**
 * A Chronicle Map that never outgrows its file: full, it lets go of an eighth of a segment at a
 * time. Thread-safe. Anything the library throws comes through.
 *
 * <p>Which eighth is chance: to know what was read last would cost every read a write, and what is
 * read most is in the hot tier anyway.
 */
final class PayloadMap implements AutoCloseable {
  private static final int EVICTED_PART = 8;
  private static final int NONE = -1;

  /** Larger values are read into an array of their own. */
  private static final int SCRATCH_BYTES = 4096;

  private final Layout layout;
  private final ChronicleMap<byte[], byte[]> map;
  private final AtomicLong entries;
  private final AtomicLong entryBytes;
  private final LongAdder evicted = new LongAdder();
  private final ThreadLocal<byte[]> scratch =
      ThreadLocal.withInitial(() -> new byte[SCRATCH_BYTES]);
  private final AtomicBoolean evicting = new AtomicBoolean();

  // Both are used by whoever has set evicting.
  private int nextSegment;
  private long draw = 0x9e3779b97f4a7c15L;

  private PayloadMap(Layout layout, ChronicleMap<byte[], byte[]> map, long entryBytes) {
    this.layout = layout;
    this.map = map;
    this.entries = new AtomicLong(map.longSize());
    this.entryBytes = new AtomicLong(entryBytes);
  }

  /**
   * Creates the file, or opens one that is known to be whole and of this layout.
   *
   * @param entryBytes of the entries that are in it
   */
  static PayloadMap open(Layout layout, File file, long entryBytes) throws IOException {
    ChronicleMap<byte[], byte[]> map =
        ChronicleMapBuilder.of(byte[].class, byte[].class)
            .entries((long) layout.segments() * layout.slotsPerSegment())
            .actualSegments(layout.segments())
            .entriesPerSegment(layout.slotsPerSegment())
            .actualChunkSize(Layout.CHUNK_BYTES)
            .actualChunksPerSegmentTier(layout.chunksPerSegment())
            .maxChunksPerEntry(layout.maxChunksPerEntry())
            .keyReaderAndDataAccess(ByteArraySizedReader.INSTANCE, new KeyAccess())
            .valueReaderAndDataAccess(new EnvelopeReader(), new ByteArrayDataAccess())
            // More tiers would let the file grow.
            .allowSegmentTiering(false)
            // Ours covers more, and is looked at.
            .checksumEntries(false)
            .putReturnsNull(true)
            .removeReturnsNull(true)
            // Whoever opened it closes it; at the exit of the JVM it is as good as killed.
            .skipCloseOnExitHook(true)
            .createPersistedTo(file);
    return new PayloadMap(layout, map, entryBytes);
  }

  /** Part of what a file must have in common with the one that is opened. */
  static String libraryVersion() {
    return String.valueOf(ChronicleMap.class.getPackage().getImplementationVersion());
  }

  /**
   * @return an array that begins with the value, and that this thread's next read overwrites
   */
  byte @Nullable [] get(byte[] key) {
    return map.getUsing(key, scratch.get());
  }

  /** False if it is too large, or if its segment has no room just now. */
  boolean put(byte[] key, byte[] value) {
    if (!layout.fits(key.length, value.length)) {
      return false;
    }
    int crowded;
    try (ExternalMapQueryContext<byte[], byte[], ?> context = map.queryContext(key)) {
      context.updateLock().lock();
      crowded = put(context, key, value) ? NONE : context.segmentIndex();
    }
    if (crowded != NONE) {
      makeRoom(crowded);
      return false;
    }
    if (isOverfull()) {
      makeRoom(NONE);
    }
    return true;
  }

  private boolean put(
      ExternalMapQueryContext<byte[], byte[], ?> context, byte[] key, byte[] value) {
    MapEntry<byte[], byte[]> present = context.entry();
    if (present != null) {
      if (chunks(present) == Layout.chunks(key.length, value.length)) {
        present.doReplaceValue(context.wrapValueAsData(value));
        return true;
      }
      // Not replaced: that may look for room with the old one half gone.
      forget(present);
    }
    try {
      context.absentEntry().doInsert(context.wrapValueAsData(value));
    } catch (IllegalStateException e) {
      // "Attempt to allocate extra segment tier".
      return false;
    }
    entries.incrementAndGet();
    entryBytes.addAndGet(Layout.chunks(key.length, value.length) * Layout.CHUNK_BYTES);
    return true;
  }

  private static long chunks(MapEntry<byte[], byte[]> entry) {
    return Layout.chunks(entry.key().size(), entry.value().size());
  }

  private void forget(MapEntry<byte[], byte[]> entry) {
    long bytes = chunks(entry) * Layout.CHUNK_BYTES;
    entry.doRemove();
    entries.decrementAndGet();
    entryBytes.addAndGet(-bytes);
  }

  void remove(byte[] key) {
    try (ExternalMapQueryContext<byte[], byte[], ?> context = map.queryContext(key)) {
      context.updateLock().lock();
      MapEntry<byte[], byte[]> present = context.entry();
      if (present != null) {
        forget(present);
      }
    }
  }

  /**
   * Segments give way in turn until the map is within its bounds again.
   *
   * @param first a segment that must give way, or {@link #NONE}
   */
  private void makeRoom(int first) {
    if (!evicting.compareAndSet(false, true)) {
      return;
    }
    try {
      if (first != NONE) {
        thinOut(first);
      }
      for (int i = 0; i < layout.segments() && isOverfull(); i++) {
        thinOut(nextSegment);
        nextSegment = (nextSegment + 1) % layout.segments();
      }
    } finally {
      evicting.set(false);
    }
  }

  private boolean isOverfull() {
    return entries.get() > layout.maxEntries() || entryBytes.get() > layout.maxBytes();
  }

  private void thinOut(int segment) {
    try (var context = map.segmentContext(segment)) {
      context.forEachSegmentEntry(
          entry -> {
            if (drawsEviction()) {
              forget(entry);
              evicted.increment();
            }
          });
    }
  }

  /** Marsaglia's xorshift: chance enough here, and the same at every opening. */
  private boolean drawsEviction() {
    draw ^= draw << 13;
    draw ^= draw >>> 7;
    draw ^= draw << 17;
    return Long.remainderUnsigned(draw, EVICTED_PART) == 0;
  }

  long entries() {
    return entries.get();
  }

  long entryBytes() {
    return entryBytes.get();
  }

  long evicted() {
    return evicted.sum();
  }

  /** Waits for whoever is reading or writing. */
  @Override
  public void close() {
    map.close();
  }
}
