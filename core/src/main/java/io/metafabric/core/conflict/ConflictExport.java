package io.metafabric.core.conflict;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.file.FilesInParts;
import io.metafabric.core.port.Disk;
import java.nio.ByteBuffer;
import java.util.Locale;

/**
 * Writes that a region loses all at once when it was evicted: files of their own beside the
 * conflict log, in its format, which nothing replaces, and with values of any size. Not
 * thread-safe.
 */
public final class ConflictExport implements AutoCloseable {
  static final String PREFIX = "unacknowledged-";

  private final FilesInParts files;
  private long exported;

  /**
   * Begins anew what may have been begun before.
   *
   * @param epoch of the configuration because of which
   * @throws StorageException if the disk refuses, as all methods do
   */
  public ConflictExport(Disk disk, long epoch) {
    String name = String.format(Locale.ROOT, "%s%016x-", PREFIX, epoch);
    this.files = new FilesInParts(disk, name, ConflictExport::header);
  }

  private static ByteBuffer header(int part) {
    var header = new ByteWriter(ConflictLog.HEADER_BYTES).i64(ConflictLog.MAGIC).i64(part + 1);
    header.i32(header.crc32c(0));
    return header.written();
  }

  public void add(Conflict conflict) {
    files.append(ByteBuffer.wrap(ConflictLog.encode(conflict, Integer.MAX_VALUE)));
    exported++;
  }

  /** All of it is durable on return; returns how many. */
  public long done() {
    files.done();
    return exported;
  }

  @Override
  public void close() {
    files.close();
  }
}
