package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.MetadataRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Payloads of a directory that is emptied. Of what its region held the members may have headers
 * alone, if those who were to hold the payloads had not got them, or were evicted too. They lie
 * beside the new state until that has all headers; then those that belong to one of them, and are
 * not there, are put in. docs/FORMAT.md has the bytes. Not thread-safe.
 */
final class PayloadsAside implements AutoCloseable {
  private static final String PREFIX = "payloads-";
  private static final int FRAME_BYTES = 8;
  private static final long MAX_FILE_BYTES = 2 << 20;

  private final Disk disk;
  private final String name;
  private @Nullable DiskFile file;
  private int files;
  private long end;

  /**
   * Begins anew what may have been begun before.
   *
   * @param epoch of the configuration because of which the directory is emptied
   */
  PayloadsAside(Disk disk, long epoch) {
    this.disk = disk;
    this.name = String.format(Locale.ROOT, "%s%016x-", PREFIX, epoch);
    disk.list().stream().filter(each -> each.startsWith(name)).forEach(disk::delete);
  }

  void add(MetadataRecord record) {
    var frame = new ByteWriter(256).i32(0).i32(0);
    RecordCodec.writeRecord(frame, record);
    frame.putI32At(0, frame.length() - FRAME_BYTES);
    frame.putI32At(Integer.BYTES, frame.crc32c(FRAME_BYTES));
    DiskFile to = file;
    if (to == null || end + frame.length() > MAX_FILE_BYTES) {
      finish();
      to = disk.open(name + String.format(Locale.ROOT, "%06d", files++) + ".log");
      file = to;
      end = 0;
    }
    to.write(end, frame.written());
    end += frame.length();
  }

  /** All of it is durable on return. */
  void done() {
    finish();
    disk.syncDirectory();
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

  @Override
  public void close() {
    DiskFile last = file;
    if (last != null) {
      file = null;
      last.close();
    }
  }

  static List<String> files(Disk disk) {
    return disk.list().stream().filter(each -> each.startsWith(PREFIX)).sorted().toList();
  }

  static void delete(Disk disk) {
    List<String> all = files(disk);
    if (!all.isEmpty()) {
      all.forEach(disk::delete);
      disk.syncDirectory();
    }
  }

  /** All records of a file up to the first that is damaged. */
  static List<MetadataRecord> read(Disk disk, String name) {
    byte[] bytes;
    try (DiskFile file = disk.open(name)) {
      var content = ByteBuffer.allocate((int) Math.min(file.sizeBytes(), Integer.MAX_VALUE / 2));
      file.read(0, content);
      bytes = Arrays.copyOf(content.array(), content.position());
    }
    var records = new ArrayList<MetadataRecord>();
    int at = 0;
    while (bytes.length - at >= FRAME_BYTES) {
      int length = ByteBuffer.wrap(bytes).getInt(at);
      int body = at + FRAME_BYTES;
      if (length < 0
          || length > bytes.length - body
          || ByteBuffer.wrap(bytes).getInt(at + Integer.BYTES)
              != Checksums.crc32c(bytes, body, length)) {
        break;
      }
      try {
        var in = new ByteReader(ByteBuffer.wrap(bytes, body, length).slice());
        MetadataRecord record = RecordCodec.readRecord(in);
        in.end("a record set aside");
        records.add(record);
      } catch (WireFormatException e) {
        break;
      }
      at = body + length;
    }
    return records;
  }
}
