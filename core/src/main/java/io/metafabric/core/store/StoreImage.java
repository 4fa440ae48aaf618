package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalImage;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The views of a journal that was closed in order, kept in a file of their own, so that the next
 * opening need not read the journal. Only a hint: where it is missing, torn, or not of this very
 * journal, the journal is replayed as after a crash. docs/FORMAT.md has the bytes.
 */
final class StoreImage {
  static final String NAME = "index.hint";

  private static final long MAGIC = 0x4d4648494e543130L; // "MFHINT10"

  /** Its last two bytes are the format's digits. */
  private static final int FORMAT_BITS = 2 * Byte.SIZE;

  private static final int HEADER_BYTES = 16;
  private static final int MAX_DESCRIPTION_BYTES = 256 << 20;
  private static final int MAX_CLUSTER_BYTES = 1024;
  private static final int PAGE_BYTES = 4096;

  private StoreImage() {}

  /** What was found. */
  record Loaded(Journal journal, StoreReplay views) {}

  /**
   * Writes it, or leaves none if the disk does not take it.
   *
   * @param others writes what {@link StoreReplay#restore} reads
   */
  static void write(
      Disk disk,
      StoreConfig config,
      JournalImage journal,
      KeyIndex index,
      Consumer<ByteWriter> others) {
    try {
      var out = new ByteWriter(64 * 1024);
      out.i64(MAGIC).i32(0).i32(0);
      out.text(config.cluster());
      RecordCodec.writeRegion(out, config.region());
      journal.writeTo(out);
      index.describeTo(out);
      others.accept(out);
      int bytes = out.length() - HEADER_BYTES;
      out.putI32At(Long.BYTES, bytes);
      out.putI32At(Long.BYTES + Integer.BYTES, out.crc32c(HEADER_BYTES));
      try (DiskFile file = disk.open(NAME)) {
        // Not synced: what a crash leaves of it has another checksum.
        file.truncate(0);
        index.writePages(file, pagesAt(bytes));
        file.write(0, out.written());
      }
    } catch (StorageException e) {
      deleteQuietly(disk);
    }
  }

  static long pagesAt(int descriptionBytes) {
    return (HEADER_BYTES + (long) descriptionBytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  }

  private static void deleteQuietly(Disk disk) {
    try {
      disk.delete(NAME);
    } catch (StorageException e) {
      // It is torn, and its checksum tells.
    }
  }

  /** Opens the journal by it, or returns null if it is not of use. */
  static @Nullable Loaded open(StoreConfig config, Disk disk) {
    if (!disk.list().contains(NAME)) {
      return null;
    }
    try (DiskFile file = disk.open(NAME)) {
      ByteReader in = description(file);
      return in == null ? null : load(config, disk, file, in);
    } catch (WireFormatException | IllegalArgumentException | StorageException e) {
      // It is a hint: the journal itself says what there is, and what is wrong with it. Values
      // guard themselves, so a wrong one may get as far as their constructors.
      return null;
    }
  }

  /** What is written from now on makes it wrong, and an old one must not outlive that. */
  static void drop(Disk disk) {
    if (disk.list().contains(NAME)) {
      disk.delete(NAME);
      disk.syncDirectory();
    }
  }

  /** Whether it begins as one of an earlier or a later version does. */
  static boolean isOfAnotherFormat(DiskFile file) {
    var begin = ByteBuffer.allocate(Long.BYTES);
    if (file.read(0, begin) < Long.BYTES) {
      return false;
    }
    long magic = begin.getLong(0);
    return magic != MAGIC && magic >>> FORMAT_BITS == MAGIC >>> FORMAT_BITS;
  }

  /** Null if it is torn, damaged, or of another format. */
  static @Nullable ByteReader description(DiskFile file) {
    var header = ByteBuffer.allocate(HEADER_BYTES);
    if (file.read(0, header) < HEADER_BYTES) {
      return null;
    }
    var in = new ByteReader(header.flip());
    long magic = in.i64("magic");
    int bytes = in.i32("length");
    int crc = in.i32("checksum");
    if (magic != MAGIC
        || bytes < 0
        || bytes > Math.min(MAX_DESCRIPTION_BYTES, file.sizeBytes() - HEADER_BYTES)) {
      return null;
    }
    var description = ByteBuffer.allocate(bytes);
    file.read(HEADER_BYTES, description);
    description.flip();
    return description.limit() == bytes && Checksums.crc32c(description) == crc
        ? new ByteReader(description)
        : null;
  }

  static String readCluster(ByteReader in) {
    return in.text("cluster", MAX_CLUSTER_BYTES);
  }

  private static @Nullable Loaded load(
      StoreConfig config, Disk disk, DiskFile file, ByteReader in) {
    int descriptionBytes = in.remaining();
    boolean ours =
        readCluster(in).equals(config.cluster())
            && RecordCodec.readRegion(in).equals(config.region());
    // A replay says whose it is.
    if (!ours) {
      return null;
    }
    var frames = new FrameTable(config.journal().readCacheBytes());
    Journal journal = Journal.open(config.journal(), disk, frames, JournalImage.readFrom(in));
    if (journal == null) {
      return null;
    }
    try {
      KeyIndex index = KeyIndex.restore(frames, in, file, pagesAt(descriptionBytes));
      if (index != null) {
        var views = new StoreReplay(index, config.cluster(), config.region(), disk.describe());
        views.restore(in, frames);
        in.end("the description of an index");
        return new Loaded(journal, views);
      }
      journal.abandon();
      return null;
    } catch (RuntimeException e) {
      journal.abandon();
      throw e;
    }
  }
}
