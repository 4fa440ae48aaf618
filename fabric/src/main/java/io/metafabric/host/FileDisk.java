package io.metafabric.host;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** A directory of the default file system. Thread-safe. */
public final class FileDisk implements Disk {
  private final Path directory;

  /**
   * Creates the directory, durably, if it is not there.
   *
   * @throws StorageException if it cannot be created, read or written, or is not a directory
   */
  public FileDisk(Path directory) {
    this.directory = directory.toAbsolutePath().normalize();
    createMissing(this.directory);
    if (!Files.isReadable(this.directory) || !Files.isWritable(this.directory)) {
      throw new StorageException(
          "the directory "
              + this.directory
              + " cannot be read and written by this process; give its user access, mount the file"
              + " system writable, or use another directory");
    }
  }

  private static void createMissing(Path path) {
    if (Files.isDirectory(path)) {
      return;
    }
    if (Files.exists(path)) {
      throw new StorageException(
          path + " is not a directory; move it away, or use another directory");
    }
    Path parent = path.getParent();
    if (parent != null) {
      createMissing(parent);
    }
    try {
      // Plural, although the parent is there: it does not mind if someone else was faster.
      Files.createDirectories(path);
    } catch (IOException e) {
      throw StorageFailures.of("create the directory " + path, e);
    }
    if (parent != null) {
      syncDirectory(parent);
    }
  }

  @Override
  public DirectoryLock lock() {
    return LockFile.take(directory);
  }

  @Override
  public List<String> list() {
    return filesIn(directory);
  }

  /** The names of a directory's files, sorted. */
  static List<String> filesIn(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(Files::isRegularFile)
          .map(path -> path.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw StorageFailures.of("list " + directory, e);
    } catch (UncheckedIOException e) {
      throw StorageFailures.of("list " + directory, new IOException(e));
    }
  }

  @Override
  public DiskFile open(String name) {
    return new LocalFile(name, resolve(name));
  }

  @Override
  public void delete(String name) {
    Path path = resolve(name);
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw StorageFailures.of("delete " + path, e);
    }
  }

  private Path resolve(String name) {
    Disk.requirePlainName(name);
    if (name.equals(LockFile.NAME)) {
      // Closing it would drop the lock.
      throw new IllegalArgumentException(name + " is not a file for data");
    }
    return directory.resolve(name);
  }

  @Override
  public void syncDirectory() {
    syncDirectory(directory);
  }

  private static void syncDirectory(Path directory) {
    if (!directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      // Windows opens no directories; its file systems journal the names themselves.
      return;
    }
    boolean interrupted = Thread.interrupted();
    try {
      while (!trySync(directory)) {
        interrupted |= Thread.interrupted();
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static boolean trySync(Path directory) {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
      return true;
    } catch (ClosedByInterruptException e) {
      return false;
    } catch (IOException e) {
      throw StorageFailures.of("sync " + directory, e);
    }
  }

  @Override
  public String describe() {
    return directory.toString();
  }

  @Override
  public String toString() {
    return describe();
  }
}
