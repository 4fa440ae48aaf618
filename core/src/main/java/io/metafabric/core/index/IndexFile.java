package io.metafabric.core.index;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.version.ActorId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * An index in a file: its slots as they are, in whole pages, and a description of them that is kept
 * elsewhere. Owns neither. For one thread, while nothing else changes the index.
 */
final class IndexFile {
  /** Pages are written and read so many bytes at a time. */
  private static final int COPIED_BYTES = 128 * 1024;

  private final SlotTables tables;
  private final DotWords dots;
  private final KeyCounts counts;
  private final SiblingDots siblings;

  IndexFile(SlotTables tables, DotWords dots, KeyCounts counts, SiblingDots siblings) {
    this.tables = tables;
    this.dots = dots;
    this.counts = counts;
    this.siblings = siblings;
  }

  /** Describes what {@link #writePages} writes. */
  void describeTo(ByteWriter out, long hashSeed) {
    out.i64(hashSeed).varint(counts.keys());
    List<ActorId> actors = dots.actors();
    out.varint(actors.size());
    actors.forEach(actor -> out.i64(actor.id()));
    for (SlotTable table : tables.all()) {
      out.varint(table.usedPages()).varint(table.used()).i32(table.crc32c());
    }
    siblings.describeTo(out);
  }

  /** Writes all slots from {@code offset} on. */
  void writePages(DiskFile file, long offset) {
    long at = offset;
    var through = ByteBuffer.allocate(COPIED_BYTES);
    for (SlotTable table : tables.all()) {
      table.writeTo(file, at, through);
      at += (long) table.usedPages() * PagePool.PAGE_BYTES;
    }
  }

  /** Of a description, of which it is the beginning. */
  static long hashSeed(ByteReader in) {
    return in.i64("hash seed");
  }

  /**
   * Fills an empty index with what was described, from behind its {@link #hashSeed} on.
   *
   * @param offset where its slots begin in {@code file}
   * @param frames of the same journal; accounts for those that are named
   * @return false if the slots are not those that were described, or name what is not there
   */
  boolean restore(ByteReader in, DiskFile file, long offset, FrameTable frames) {
    counts.setKeys(in.varint("keys"));
    int count = in.varint("actors", 0, in.remaining() / Long.BYTES);
    var actors = new ArrayList<ActorId>(count);
    for (int i = 0; i < count; i++) {
      actors.add(new ActorId(in.i64("actor")));
    }
    dots.restore(actors);
    long at = offset;
    var through = ByteBuffer.allocate(COPIED_BYTES);
    long left = (file.sizeBytes() - offset) / PagePool.PAGE_BYTES;
    for (SlotTable table : tables.all()) {
      int pages = in.varint("pages", 0, (int) Math.min(Integer.MAX_VALUE, Math.max(0, left)));
      int used = in.varint("slots", 0, Integer.MAX_VALUE);
      int crc = in.i32("checksum");
      if (pages > 0 && !table.readFrom(file, at, pages, used, crc, through)) {
        return false;
      }
      at += (long) pages * PagePool.PAGE_BYTES;
      left -= pages;
    }
    siblings.restore(in);
    return markAllLive(frames);
  }

  /** Accounts for all frames that are named; false if one of them, or of the slots, is missing. */
  private boolean markAllLive(FrameTable frames) {
    for (SlotTable table : tables.all()) {
      int used = 0;
      for (int slot = 0; slot < table.slots(); slot++) {
        long first = table.first(slot);
        if (first == 0) {
          continue;
        }
        used++;
        if (!frames.markLive(SlotWords.placeOf(first))) {
          return false;
        }
        if (SlotWords.isHeader(table.second(slot))) {
          counts.count(table, first, table.second(slot), 1);
        }
      }
      if (used != table.used()) {
        return false;
      }
    }
    return true;
  }

  /** See {@link KeyIndex#isWhole}. */
  static boolean isWhole(ByteReader in, DiskFile file, long offset) {
    hashSeed(in);
    in.varint("keys");
    int actors = in.varint("actors", 0, in.remaining() / Long.BYTES);
    for (int i = 0; i < actors; i++) {
      in.i64("actor");
    }
    long at = offset;
    var through = ByteBuffer.allocate(COPIED_BYTES);
    for (int i = 0; i < SlotTables.COUNT; i++) {
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
}
