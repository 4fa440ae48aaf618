package io.metafabric.host;

import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.port.Disk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a directory for one fabric: against other processes by a lock of the operating system,
 * which goes when the process goes; against this process by a system property, the one register
 * that all class loaders share.
 *
 * <p>The property is asked first, and the file is not even opened if it is there: on POSIX systems
 * closing any descriptor of a file drops all locks that the process holds on it.
 */
final class LockFile implements Disk.DirectoryLock {
  static final String NAME = "fabric.lock";

  private static final String PROPERTY = "io.metafabric.locked.";

  /** Behind everything that is written, because Windows lets nobody read what is locked. */
  private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

  private static final int MAX_NOTE_BYTES = 256;

  private final Path path;
  private final String property;
  private final @Nullable RandomAccessFile file;
  private boolean held = true;

  private LockFile(Path path, String property, @Nullable RandomAccessFile file) {
    this.path = path;
    this.property = property;
    this.file = file;
  }

  /** For the one who writes; the lock's file is created if it is not there. */
  static LockFile take(Path directory) {
    return take(directory, false);
  }

  /**
   * For one who only reads: keeps writers away without creating or writing anything. A directory in
   * which there is no lock's file is a copy, or no fabric's: only this process is kept away from
   * it.
   */
  static LockFile takeReadOnly(Path directory) {
    return take(directory, true);
  }

  private static LockFile take(Path directory, boolean readOnly) {
    Path path = directory.resolve(NAME);
    String property = propertyOf(directory);
    if (System.getProperties().putIfAbsent(property, "held") != null) {
      throw inUse(directory, "this process", null);
    }
    boolean taken = false;
    try {
      LockFile lock =
          readOnly && !Files.exists(path)
              ? new LockFile(path, property, null)
              : take(directory, path, property, readOnly);
      taken = true;
      return lock;
    } catch (IOException e) {
      throw StorageFailures.of("lock " + path, e);
    } finally {
      if (!taken) {
        System.getProperties().remove(property);
      }
    }
  }

  private static LockFile take(Path directory, Path path, String property, boolean readOnly)
      throws IOException {
    var file = new RandomAccessFile(path.toFile(), readOnly ? "r" : "rw");
    boolean taken = false;
    try {
      FileLock lock = file.getChannel().tryLock(LOCKED_BYTE, 1, readOnly);
      if (lock == null) {
        throw inUse(directory, noteIn(file), null);
      }
      if (!readOnly) {
        writeNote(file);
      }
      taken = true;
      return new LockFile(path, property, file);
    } catch (OverlappingFileLockException e) {
      throw inUse(directory, "this process", e);
    } finally {
      if (!taken) {
        file.close();
      }
    }
  }

  /** The directory itself names the property, because it may have several paths. */
  private static String propertyOf(Path directory) {
    try {
      Object key = Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
      return PROPERTY + (key == null ? directory.toRealPath() : key);
    } catch (IOException e) {
      throw StorageFailures.of("read " + directory, e);
    }
  }

  /** For people who find the directory in use. */
  private static void writeNote(RandomAccessFile file) throws IOException {
    String note = "process " + ProcessHandle.current().pid();
    file.setLength(0);
    file.write(note.getBytes(StandardCharsets.UTF_8));
  }

  private static String noteIn(RandomAccessFile file) throws IOException {
    var note = new byte[(int) Math.min(MAX_NOTE_BYTES, file.length())];
    int read = file.read(note);
    return read <= 0 ? "another process" : new String(note, 0, read, StandardCharsets.UTF_8);
  }

  private static DirectoryInUseException inUse(
      Path directory, String by, @Nullable Throwable cause) {
    return new DirectoryInUseException(
        "the directory "
            + directory
            + " is open in another fabric, by "
            + by
            + "; close that one, or give this one a directory of its own",
        cause);
  }

  /** Leaves the file: who deletes a lock file races with who opens it. */
  @Override
  public synchronized void close() {
    if (!held) {
      return;
    }
    held = false;
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      throw StorageFailures.of("close " + path, e);
    } finally {
      System.getProperties().remove(property);
    }
  }
}
