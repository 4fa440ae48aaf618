package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;

/**
 * Remembers beside the journal up to which position it was made durable, so that damage to what had
 * been synced last is not taken for a torn tail.
 *
 * <p>Written without a sync of its own, after the journal's: it may be behind the truth, never
 * ahead.
 */
final class DurableMark implements AutoCloseable {
  static final String NAME = "journal.mark";

  /** Stands in a directory that is being copied to, until all is there. No position is as large. */
  static final long UNFINISHED = Long.MAX_VALUE;

  private static final int BYTES = 12;

  private final DiskFile file;

  DurableMark(Disk disk) {
    file = disk.open(NAME);
  }

  /** What a journal that nobody has open has recorded; creates nothing. */
  static long in(Disk disk) {
    if (!disk.list().contains(NAME)) {
      return 0;
    }
    try (var mark = new DurableMark(disk)) {
      return mark.read();
    }
  }

  /** 0 if nothing is recorded, or the record is torn. */
  long read() {
    var bytes = ByteBuffer.allocate(BYTES);
    if (file.read(0, bytes) < BYTES) {
      return 0;
    }
    var in = new ByteReader(bytes.flip());
    long position = in.i64("durable position");
    int said = in.i32("checksum");
    return said == encode(position).getInt(Long.BYTES) && position >= 0 ? position : 0;
  }

  void write(long position) {
    file.write(0, encode(position));
  }

  void sync() {
    file.sync();
  }

  private static ByteBuffer encode(long position) {
    var out = new ByteWriter(BYTES);
    out.i64(position);
    out.i32(out.crc32c(0));
    return out.written();
  }

  @Override
  public void close() {
    file.close();
  }
}
