package io.metafabric.cache.chronicle;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The marker beside the map: that it was closed, under which configuration, and what every byte of
 * it was then. Chronicle Map opens a file of another configuration in silence, waits for the locks
 * of a killed process, and can take the JVM down over a damaged file; so it is shown none of them.
 *
 * <pre>
 * i64  magic
 * u8   format version
 * text configuration
 * i64  bytes of the map's file
 * i32  CRC32C of the map's file
 * i64  bytes of its entries
 * i32  CRC32C of all of the above
 * </pre>
 *
 * @param configuration of the map and its values
 * @param fileBytes length of the map's file
 * @param fileCrc32c of all of it; no sync is needed, since what was lost with the power shows
 * @param entryBytes as the tier counts them
 */
record CleanStop(String configuration, long fileBytes, int fileCrc32c, long entryBytes) {
  private static final long MAGIC = 0x4d46_4348_524f_4e00L;
  private static final int FORMAT_VERSION = 1;
  private static final int MAX_BYTES = 1024;
  private static final int CHECKSUM_BYTES = 4;
  private static final int BUFFER_BYTES = 1 << 20;

  /** Reads the map's file, which nobody has open. */
  static CleanStop of(Disk disk, String configuration, long entryBytes) {
    try (DiskFile map = disk.open(ChronicleFiles.MAP)) {
      return new CleanStop(configuration, map.sizeBytes(), checksum(map), entryBytes);
    }
  }

  /**
   * The marker of a map that may be opened: it was closed under this configuration, and its file
   * is, byte for byte, the one that was closed. Null if it is not.
   */
  static @Nullable CleanStop find(Disk disk, String configuration) {
    CleanStop stop = read(disk);
    return stop != null && stop.configuration.equals(configuration) && stop.describes(disk)
        ? stop
        : null;
  }

  boolean describes(Disk disk) {
    if (!disk.list().contains(ChronicleFiles.MAP)) {
      return false;
    }
    try (DiskFile map = disk.open(ChronicleFiles.MAP)) {
      return map.sizeBytes() == fileBytes && checksum(map) == fileCrc32c;
    }
  }

  private static int checksum(DiskFile file) {
    var crc = new CRC32C();
    var buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    long at = 0;
    for (int read = file.read(at, buffer); read > 0; read = file.read(at, buffer)) {
      crc.update(buffer.flip());
      buffer.clear();
      at += read;
    }
    return (int) crc.getValue();
  }

  /** Null if there is no marker, or no whole one. */
  static @Nullable CleanStop read(Disk disk) {
    if (!disk.list().contains(ChronicleFiles.CLEAN_STOP)) {
      return null;
    }
    try (DiskFile file = disk.open(ChronicleFiles.CLEAN_STOP)) {
      var bytes = ByteBuffer.allocate(MAX_BYTES);
      file.read(0, bytes);
      return decode(bytes.flip());
    } catch (WireFormatException e) {
      return null;
    }
  }

  void write(Disk disk) {
    try (DiskFile file = disk.open(ChronicleFiles.CLEAN_STOP)) {
      file.truncate(0);
      file.write(0, encode());
      file.sync();
    }
    disk.syncDirectory();
  }

  ByteBuffer encode() {
    var out = new ByteWriter(MAX_BYTES);
    out.i64(MAGIC).u8(FORMAT_VERSION).text(configuration);
    out.i64(fileBytes).i32(fileCrc32c).i64(entryBytes);
    out.i32(out.crc32c(0));
    return out.written();
  }

  /**
   * @throws WireFormatException if {@code bytes} are not a marker
   */
  static @Nullable CleanStop decode(ByteBuffer bytes) {
    int body = bytes.remaining() - CHECKSUM_BYTES;
    if (body < 0 || bytes.getInt(body) != Checksums.crc32c(bytes.slice(0, body))) {
      return null;
    }
    var in = new ByteReader(bytes.slice(0, body));
    if (in.i64("magic") != MAGIC || in.u8("format version") != FORMAT_VERSION) {
      return null;
    }
    var stop =
        new CleanStop(
            in.text("configuration", MAX_BYTES),
            in.i64("file bytes"),
            in.i32("file checksum"),
            in.i64("entry bytes"));
    in.end("the marker");
    return stop;
  }
}
