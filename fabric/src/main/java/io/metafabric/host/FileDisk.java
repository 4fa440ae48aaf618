package io.metafabric.host;

import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A directory of the file system. */
public final class FileDisk implements Disk {
  private static final String LOCK_NAME = "fabric.lock";

  private final Path directory;

  /**
   * Creates the directory if it is not there.
   *
   * @throws StorageException if it cannot be created or is not a directory
   */
  public FileDisk(Path directory) {
    this.directory = directory.toAbsolutePath().normalize();
    try {
      Files.createDirectories(this.directory);
    } catch (IOException e) {
      throw failure("create the directory " + this.directory, e);
    }
  }

  @Override
  public DirectoryLock lock() {
    Path path = directory.resolve(LOCK_NAME);
    FileChannel channel = null;
    try {
      channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      // The lock belongs to the process and goes with it; within one JVM the second try overlaps.
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw inUse(null);
      }
      FileChannel held = channel;
      channel = null;
      return () -> close(held, path);
    } catch (OverlappingFileLockException e) {
      throw inUse(e);
    } catch (IOException e) {
      throw failure("lock " + path, e);
    } finally {
      if (channel != null) {
        close(channel, path);
      }
    }
  }

  private DirectoryInUseException inUse(@Nullable Throwable cause) {
    return new DirectoryInUseException(
        "the directory "
            + directory
            + " is open in another fabric, here or in another process; close that one, or give this"
            + " one a directory of its own",
        cause);
  }

  private static void close(FileChannel channel, Path path) {
    try {
      channel.close();
    } catch (IOException e) {
      throw failure("close " + path, e);
    }
  }

  @Override
  public List<String> list() {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(Files::isRegularFile)
          .map(path -> path.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw failure("list " + directory, e);
    }
  }

  @Override
  public DiskFile open(String name) {
    return new ChannelFile(name, resolve(name));
  }

  @Override
  public void delete(String name) {
    try {
      Files.deleteIfExists(resolve(name));
    } catch (IOException e) {
      throw failure("delete " + resolve(name), e);
    }
  }

  private Path resolve(String name) {
    if (name.isEmpty() || name.indexOf('/') >= 0 || name.indexOf('\\') >= 0 || name.equals("..")) {
      throw new IllegalArgumentException("not a plain file name: \"" + name + "\"");
    }
    return directory.resolve(name);
  }

  @Override
  public void syncDirectory() {
    try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      throw failure("sync " + directory, e);
    }
  }

  @Override
  public String describe() {
    return directory.toString();
  }

  /** Says what failed, and what can be done about it. */
  static StorageException failure(String doing, IOException e) {
    String reason = reasonOf(e);
    if (reason.contains("no space left") || reason.contains("quota exceeded")) {
      return new StorageFullException(
          "cannot " + doing + ": the disk is full; free some space and write again", e);
    }
    return new StorageException(
        "cannot " + doing + ": " + e + "; make the directory readable and writable", e);
  }

  private static String reasonOf(IOException e) {
    String reason = e instanceof FileSystemException system ? system.getReason() : e.getMessage();
    return reason == null ? "" : reason.toLowerCase(Locale.ROOT);
  }
}
