package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What predictors have learned, in a file of its own beside the journal. It is a view: whatever is
 * wrong with it, it is deleted, and all is learned anew.
 *
 * <p>Each writing makes a new file under the next number and deletes the one before once the new
 * one is durable, so that a crash leaves one of them whole. Magic, format version and length of the
 * body (4, 4 and 8 bytes); the body, which is for each predictor its name, the length of what it
 * has learned, and that; CRC32C of all before it. Not thread-safe.
 */
public final class ForesightFile {
  static final int FORMAT_VERSION = 1;

  private static final String PREFIX = "foresight.";
  private static final int MAGIC = 0x4D46_4653;
  private static final int HEADER_BYTES = 16;
  private static final int LENGTH_AT = 12;
  private static final int CRC_BYTES = 4;
  private static final int MAX_NUMBER_DIGITS = 18;
  private static final int MAX_PREDICTORS = 1024;
  private static final int MAX_NAME_BYTES = 1024;
  private static final int PIECE_BYTES = 64 << 10;

  private final Disk disk;
  private final long maxBytes;

  /**
   * @param maxBytes a longer file is not read, and not written
   */
  public ForesightFile(Disk disk, long maxBytes) {
    this.disk = disk;
    this.maxBytes = Math.min(maxBytes, Integer.MAX_VALUE - HEADER_BYTES - CRC_BYTES - 8L);
  }

  /** Whether a file of this name is one of these. */
  public static boolean isNamed(String file) {
    return number(file) >= 0;
  }

  private static long number(String file) {
    String digits = file.startsWith(PREFIX) ? file.substring(PREFIX.length()) : "";
    boolean isNumber =
        !digits.isEmpty()
            && digits.length() <= MAX_NUMBER_DIGITS
            && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    return isNumber ? Long.parseLong(digits) : -1;
  }

  /** The files that there are, the newest first. */
  private List<String> files() {
    var files = new ArrayList<String>();
    for (String file : disk.list()) {
      if (isNamed(file)) {
        files.add(file);
      }
    }
    files.sort(Comparator.comparingLong(ForesightFile::number).reversed());
    return files;
  }

  /**
   * The newest that is whole, by the names of the predictors; empty if there is none. Deletes the
   * others.
   *
   * @param onDamage is told of a file that cannot be used, and why
   * @throws StorageException if the directory cannot be read or changed
   */
  public Map<String, byte[]> read(Consumer<String> onDamage) {
    Map<String, byte[]> found = null;
    for (String file : files()) {
      if (found == null) {
        found = read(file, onDamage);
        if (found != null) {
          continue;
        }
      }
      disk.delete(file);
    }
    return found == null ? Map.of() : found;
  }

  private @Nullable Map<String, byte[]> read(String name, Consumer<String> onDamage) {
    try (DiskFile file = disk.open(name)) {
      return decode(content(file));
    } catch (WireFormatException | StorageException e) {
      onDamage.accept(name + ": " + e.getMessage());
      return null;
    }
  }

  private ByteBuffer content(DiskFile file) {
    long size = file.sizeBytes();
    if (size < HEADER_BYTES + CRC_BYTES || size > maxBytes + HEADER_BYTES + CRC_BYTES) {
      throw new WireFormatException("its " + size + " bytes are too few or too many");
    }
    var bytes = ByteBuffer.allocate((int) size);
    // In pieces: Java keeps as much memory outside of the heap as the largest of them takes.
    while (bytes.hasRemaining()) {
      var piece = bytes.slice(bytes.position(), Math.min(PIECE_BYTES, bytes.remaining()));
      int read = file.read(bytes.position(), piece);
      if (read == 0) {
        throw new WireFormatException("it ended while it was read");
      }
      bytes.position(bytes.position() + read);
    }
    return bytes.flip();
  }

  private static Map<String, byte[]> decode(ByteBuffer bytes) {
    var in = new ByteReader(bytes.duplicate());
    if (in.i32("magic") != MAGIC) {
      throw new WireFormatException("it does not begin as such a file does");
    }
    int version = in.i32("format version");
    if (version != FORMAT_VERSION) {
      throw new WireFormatException("its format version is " + version);
    }
    long length = in.i64("length");
    if (length != in.remaining() - CRC_BYTES) {
      throw new WireFormatException(in.remaining() + " bytes follow, for a body of " + length);
    }
    int end = bytes.limit() - CRC_BYTES;
    if (bytes.getInt(end) != Checksums.crc32c(bytes.slice(0, end))) {
      throw new WireFormatException("its checksum is wrong");
    }
    var saved = new LinkedHashMap<String, byte[]>();
    in = new ByteReader(bytes.slice(HEADER_BYTES, end - HEADER_BYTES));
    int count = in.varint("predictors", 0, MAX_PREDICTORS);
    for (int i = 0; i < count; i++) {
      String predictor = in.text("name of a predictor", MAX_NAME_BYTES);
      saved.put(predictor, in.bytes(in.i32("length of what it has learned"), predictor));
    }
    in.end("what was learned");
    return saved;
  }

  static ByteBuffer encode(Map<String, byte[]> saved) {
    // In an order of its own, so that the same is written as the same bytes.
    var sorted = new TreeMap<>(saved);
    long bytes = HEADER_BYTES + 16;
    for (byte[] each : sorted.values()) {
      bytes += each.length + MAX_NAME_BYTES;
    }
    var out = new ByteWriter((int) Math.min(Integer.MAX_VALUE - 8, bytes));
    out.i32(MAGIC).i32(FORMAT_VERSION).i64(0).varint(sorted.size());
    sorted.forEach((predictor, learned) -> out.text(predictor).i32(learned.length).bytes(learned));
    // The length has eight bytes, of which a file of this size needs the lower four.
    out.putI32At(LENGTH_AT, out.length() - HEADER_BYTES);
    out.i32(out.crc32c(0));
    return out.written();
  }

  /**
   * Writes a new file; returns once it is durable, and the one before is gone.
   *
   * @return false if there is too much
   * @throws StorageException if that fails; then what was written before is still there
   */
  public boolean write(Map<String, byte[]> saved) {
    if (saved.values().stream().mapToLong(each -> each.length + MAX_NAME_BYTES).sum() > maxBytes) {
      return false;
    }
    List<String> before = files();
    String name = PREFIX + (before.isEmpty() ? 1 : number(before.get(0)) + 1);
    try {
      write(name, encode(saved));
    } catch (StorageException e) {
      // A disk that is full needs the room.
      deleteQuietly(name);
      throw e;
    }
    before.forEach(disk::delete);
    disk.syncDirectory();
    return true;
  }

  private void write(String name, ByteBuffer bytes) {
    try (DiskFile file = disk.open(name)) {
      while (bytes.hasRemaining()) {
        int length = Math.min(PIECE_BYTES, bytes.remaining());
        file.write(bytes.position(), bytes.slice(bytes.position(), length));
        bytes.position(bytes.position() + length);
      }
      file.sync();
    }
    disk.syncDirectory();
  }

  private void deleteQuietly(String name) {
    try {
      disk.delete(name);
    } catch (StorageException e) {
      // It is not whole, and the next opening deletes it.
    }
  }
}
