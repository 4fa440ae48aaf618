package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.ConfigurationCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.JournalEntry.Configured;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
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

  private static final long MAGIC = 0x4d46524546494c31L; // "MFREFIL1"
  private static final int HEADER_BYTES = 16;
  private static final int MAX_BYTES = 64 << 10;

  private Refill() {}

  /** From the next opening on the directory is empty but for this. Durable on return. */
  static void begin(Disk disk, Configuration configuration, long admitted) {
    var out = new ByteWriter(256).i64(MAGIC).i32(0).i32(0);
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
   */
  static @Nullable Configured empty(Disk disk) {
    Configured begun = disk.list().contains(MARK) ? read(disk) : null;
    if (begun != null) {
      disk.list().stream().filter(Refill::isOfState).forEach(disk::delete);
      disk.syncDirectory();
    }
    return begun;
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
  private static @Nullable Configured read(Disk disk) {
    try (DiskFile file = disk.open(MARK)) {
      var content = ByteBuffer.allocate((int) Math.min(file.sizeBytes(), MAX_BYTES));
      file.read(0, content);
      byte[] bytes = Arrays.copyOf(content.array(), content.position());
      if (bytes.length < HEADER_BYTES) {
        return null;
      }
      var in = new ByteReader(ByteBuffer.wrap(bytes));
      boolean good =
          in.i64("magic") == MAGIC
              && in.i32("length") == bytes.length - HEADER_BYTES
              && in.i32("checksum")
                  == Checksums.crc32c(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES);
      if (!good) {
        return null;
      }
      Configuration configuration = ConfigurationCodec.read(in);
      long admitted = in.varint("admitted");
      in.end("the mark of a refill");
      return new Configured(configuration, admitted, false);
    } catch (WireFormatException e) {
      return null;
    }
  }
}
