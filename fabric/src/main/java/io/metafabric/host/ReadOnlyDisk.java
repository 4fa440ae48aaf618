package io.metafabric.host;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A directory that is looked at and left as it is: nothing is created, written or deleted, so it
 * may be on read-only media. Thread-safe.
 */
public final class ReadOnlyDisk implements Disk {
  private final Path directory;

  /**
   * @throws StorageException if it is not a directory
   */
  public ReadOnlyDisk(Path directory) {
    this.directory = directory.toAbsolutePath().normalize();
    if (!Files.isDirectory(this.directory)) {
      throw new StorageException(this.directory + " is not a directory; check its path");
    }
  }

  @Override
  public DirectoryLock lock() {
    return LockFile.takeReadOnly(directory);
  }

  @Override
  public List<String> list() {
    return FileDisk.filesIn(directory);
  }

  /** Does not create it. */
  @Override
  public DiskFile open(String name) {
    Disk.requirePlainName(name);
    return new ReadOnlyFile(name, directory.resolve(name));
  }

  @Override
  public void delete(String name) {
    throw new UnsupportedOperationException(directory + " is read only");
  }

  @Override
  public void syncDirectory() {
    throw new UnsupportedOperationException(directory + " is read only");
  }

  @Override
  public String describe() {
    return directory.toString();
  }

  @Override
  public String toString() {
    return describe();
  }

  /** Not a channel, because interrupts close those. */
  private static final class ReadOnlyFile implements DiskFile {
    private final String name;
    private final Path path;
    private final RandomAccessFile file;

    ReadOnlyFile(String name, Path path) {
      this.name = name;
      this.path = path;
      try {
        file = new RandomAccessFile(path.toFile(), "r");
      } catch (FileNotFoundException e) {
        throw StorageFailures.of("open " + path, e);
      }
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public long sizeBytes() {
      try {
        return file.length();
      } catch (IOException e) {
        throw StorageFailures.of("read the size of " + path, e);
      }
    }

    @Override
    public synchronized int read(long offset, ByteBuffer target) {
      var part = new byte[Math.min(target.remaining(), 1 << 16)];
      int total = 0;
      try {
        file.seek(offset);
        while (target.hasRemaining()) {
          int read = file.read(part, 0, Math.min(target.remaining(), part.length));
          if (read < 0) {
            break;
          }
          target.put(part, 0, read);
          total += read;
        }
      } catch (IOException e) {
        throw StorageFailures.of("read " + path, e);
      }
      return total;
    }

    @Override
    public void write(long offset, ByteBuffer source) {
      throw new UnsupportedOperationException(path + " is read only");
    }

    @Override
    public void truncate(long sizeBytes) {
      throw new UnsupportedOperationException(path + " is read only");
    }

    @Override
    public void sync() {
      throw new UnsupportedOperationException(path + " is read only");
    }

    @Override
    public void close() {
      try {
        file.close();
      } catch (IOException e) {
        throw StorageFailures.of("close " + path, e);
      }
    }
  }
}
