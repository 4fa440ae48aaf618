package io.metafabric.core.file;

import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Frames written one behind the other into files of a bounded size, {@code <name>000000.log},
 * {@code <name>000001.log} and so on. Not thread-safe. All methods throw a {@link
 * io.metafabric.core.error.StorageException} if the disk refuses.
 */
public final class FilesInParts implements AutoCloseable {
  private static final long MAX_FILE_BYTES = 2 << 20;

  private final Disk disk;
  private final String name;
  private final IntFunction<ByteBuffer> header;
  private @Nullable DiskFile file;
  private int parts;
  private long end;

  /**
   * Begins anew what may have been begun before: files whose names begin like these are deleted.
   *
   * @param header of a part, counted from 0; may be empty
   */
  public FilesInParts(Disk disk, String name, IntFunction<ByteBuffer> header) {
    this.disk = disk;
    this.name = name;
    this.header = header;
    disk.list().stream().filter(each -> each.startsWith(name)).forEach(disk::delete);
  }

  /** A part has one frame at least, however large that is. */
  public void append(ByteBuffer frame) {
    DiskFile to = file;
    if (to == null || end + frame.remaining() > MAX_FILE_BYTES) {
      finish();
      to = disk.open(name + String.format(Locale.ROOT, "%06d", parts) + ".log");
      file = to;
      end = 0;
      write(to, header.apply(parts++));
    }
    write(to, frame);
  }

  private void write(DiskFile to, ByteBuffer bytes) {
    int length = bytes.remaining();
    if (length > 0) {
      to.write(end, bytes);
      end += length;
    }
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

  /** All of it is durable on return. */
  public void done() {
    finish();
    disk.syncDirectory();
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
