package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.ConfigurationCodec;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.JournalEntry.Configured;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.RegionName;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A directory whose state must not be merged is emptied, and filled anew by the others. A mark says
 * that it is to be; it goes last, so that a crash in between begins again. What people may want to
 * read, the logs of conflicts, stays. docs/FORMAT.md has the bytes.
 */
final class Refill {
  static final String MARK = "refill.mark";

  private static final long MAGIC = 0x4d46524546494c32L; // "MFREFIL2"
  private static final long MAGIC_WITHOUT_IDENTITY = 0x4d46524546494c31L; // "MFREFIL1"
  private static final int HEADER_BYTES = 16;
  private static final int MAX_BYTES = 64 << 10;
  private static final int MAX_CLUSTER_BYTES = 1024;

  /**
   * @param cluster null in a mark of before it was told whose directory it is
   */
  private record Mark(@Nullable String cluster, @Nullable RegionName region, Configured begin) {}

  private Refill() {}

  /** From the next opening on the directory is empty but for this. Durable on return. */
  static void begin(
      Disk disk, String cluster, RegionName region, Configuration configuration, long admitted) {
    var out = new ByteWriter(256).i64(MAGIC).i32(0).i32(0);
    out.text(cluster);
    RecordCodec.writeRegion(out, region);
    ConfigurationCodec.write(out, configuration);
    out.varint(admitted);
    out.putI32At(Long.BYTES, out.length() - HEADER_BYTES);
    out.putI32At(Long.BYTES + Integer.BYTES, out.crc32c(HEADER_BYTES));
    try (DiskFile file = disk.open(MARK)) {
      file.truncate(0);
      file.write(0, out.written());
      file.sync();
    }
    disk.syncDirectory();
  }

  /**
   * Empties the directory if that is to be done.
   *
   * @return what the new state begins with; null if the directory stays what it is
   * @throws io.metafabric.core.error.ConfigurationException if the directory is another region's:
   *     nothing is deleted then
   */
  static @Nullable Configured empty(Disk disk, String cluster, RegionName region) {
    Mark mark = disk.list().contains(MARK) ? read(disk) : null;
    if (mark == null) {
      return null;
    }
    if (mark.cluster != null && mark.region != null) {
      StoreReplay.requireSame(disk.describe(), mark.cluster, mark.region, cluster, region);
    }
    disk.list().stream().filter(Refill::isOfState).forEach(disk::delete);
    disk.syncDirectory();
    return mark.begin;
  }

  private static boolean isOfState(String name) {
    return name.startsWith("journal") || name.startsWith("torn-") || name.equals(StoreImage.NAME);
  }

  /** The new state is durable. */
  static void done(Disk disk) {
    disk.delete(MARK);
    disk.syncDirectory();
  }

  /** Null for one that was not written whole: whoever wrote it did not get to the end. */
  private static @Nullable Mark read(Disk disk) {
    try (DiskFile file = disk.open(MARK)) {
      var content = ByteBuffer.allocate((int) Math.min(file.sizeBytes(), MAX_BYTES));
      file.read(0, content);
      byte[] bytes = Arrays.copyOf(content.array(), content.position());
      if (bytes.length < HEADER_BYTES) {
        return null;
      }
      var in = new ByteReader(ByteBuffer.wrap(bytes));
      long magic = in.i64("magic");
      boolean good =
          (magic == MAGIC || magic == MAGIC_WITHOUT_IDENTITY)
              && in.i32("length") == bytes.length - HEADER_BYTES
              && in.i32("checksum")
                  == Checksums.crc32c(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES);
      if (!good) {
        return null;
      }
      boolean hasIdentity = magic == MAGIC;
      String cluster = hasIdentity ? in.text("cluster", MAX_CLUSTER_BYTES) : null;
      RegionName region = hasIdentity ? RecordCodec.readRegion(in) : null;
      Configuration configuration = ConfigurationCodec.read(in);
      long admitted = in.varint("admitted");
      in.end("the mark of a refill");
      return new Mark(cluster, region, new Configured(configuration, admitted, false));
    } catch (WireFormatException e) {
      return null;
    }
  }
}
