package io.metafabric.core.conflict;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Writes that a region loses all at once when it was evicted: files of their own beside the
 * conflict log, in its format, which nothing replaces, and with values of any size. Not
 * thread-safe.
 */
public final class ConflictExport implements AutoCloseable {
  static final String PREFIX = "unacknowledged-";

  private static final long MAX_FILE_BYTES = 2 << 20;

  private final Disk disk;
  private final String name;
  private @Nullable DiskFile file;
  private int files;
  private long end;
  private long exported;

  /**
   * Begins anew what may have been begun before.
   *
   * @param epoch of the configuration because of which
   * @throws StorageException if the disk refuses, as all methods do
   */
  public ConflictExport(Disk disk, long epoch) {
    this.disk = disk;
    this.name = String.format(Locale.ROOT, "%s%016x-", PREFIX, epoch);
    disk.list().stream().filter(each -> each.startsWith(name)).forEach(disk::delete);
  }

  public void add(Conflict conflict) {
    byte[] frame = ConflictLog.encode(conflict, Integer.MAX_VALUE);
    DiskFile to = file;
    if (to == null || end + frame.length > MAX_FILE_BYTES) {
      finish();
      to = disk.open(name + String.format(Locale.ROOT, "%06d", files++) + ".log");
      file = to;
      var header = new ByteWriter(ConflictLog.HEADER_BYTES).i64(ConflictLog.MAGIC).i64(files);
      header.i32(header.crc32c(0));
      to.write(0, header.written());
      end = ConflictLog.HEADER_BYTES;
    }
    to.write(end, ByteBuffer.wrap(frame));
    end += frame.length;
    exported++;
  }

  private void finish() {
    DiskFile last = file;
    if (last != null) {
      file = null;
      try {
        last.sync();
      } finally {
        last.close();
      }
    }
  }

  /** All of it is durable on return; returns how many. */
  public long done() {
    finish();
    disk.syncDirectory();
    return exported;
  }

  @Override
  public void close() {
    DiskFile last = file;
    if (last != null) {
      file = null;
      last.close();
    }
  }
}
