package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.file.FilesInParts;
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

  private final FilesInParts files;

  /**
   * What a file has.
   *
   * @param bytesLost of damaged records, and of what follows one whose length is damaged
   */
  record Content(List<MetadataRecord> records, long bytesLost) {}

  /**
   * Begins anew what may have been begun before.
   *
   * @param epoch of the configuration because of which the directory is emptied
   */
  PayloadsAside(Disk disk, long epoch) {
    String name = String.format(Locale.ROOT, "%s%016x-", PREFIX, epoch);
    this.files = new FilesInParts(disk, name, part -> ByteBuffer.allocate(0));
  }

  void add(MetadataRecord record) {
    var frame = new ByteWriter(256).i32(0).i32(0);
    RecordCodec.writeRecord(frame, record);
    frame.putI32At(0, frame.length() - FRAME_BYTES);
    frame.putI32At(Integer.BYTES, frame.crc32c(FRAME_BYTES));
    files.append(frame.written());
  }

  /** All of it is durable on return. */
  void done() {
    files.done();
  }

  @Override
  public void close() {
    files.close();
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

  /** All records of a file but those that are damaged, and what cannot be found behind these. */
  static Content read(Disk disk, String name) {
    byte[] bytes;
    try (DiskFile file = disk.open(name)) {
      var content = ByteBuffer.allocate((int) Math.min(file.sizeBytes(), Integer.MAX_VALUE / 2));
      file.read(0, content);
      bytes = Arrays.copyOf(content.array(), content.position());
    }
    var records = new ArrayList<MetadataRecord>();
    long bytesLost = 0;
    int at = 0;
    while (at < bytes.length) {
      int length =
          bytes.length - at < FRAME_BYTES ? -1 : ByteBuffer.wrap(bytes, at, Integer.BYTES).getInt();
      if (length < 0 || length > bytes.length - at - FRAME_BYTES) {
        return new Content(records, bytesLost + bytes.length - at);
      }
      MetadataRecord record = decode(bytes, at, length);
      if (record == null) {
        bytesLost += FRAME_BYTES + length;
      } else {
        records.add(record);
      }
      at += FRAME_BYTES + length;
    }
    return new Content(records, bytesLost);
  }

  /** Null if it is damaged. */
  private static @Nullable MetadataRecord decode(byte[] bytes, int at, int length) {
    int checksum = ByteBuffer.wrap(bytes, at + Integer.BYTES, Integer.BYTES).getInt();
    if (checksum != Checksums.crc32c(bytes, at + FRAME_BYTES, length)) {
      return null;
    }
    try {
      var in = new ByteReader(ByteBuffer.wrap(bytes, at + FRAME_BYTES, length).slice());
      MetadataRecord record = RecordCodec.readRecord(in);
      in.end("a record set aside");
      return record;
    } catch (WireFormatException e) {
      return null;
    }
  }
}
