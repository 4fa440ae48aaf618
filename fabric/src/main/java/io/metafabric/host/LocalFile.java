package io.metafabric.host;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.DiskFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A file of the file system.
 *
 * <p>The JDK closes a channel when a thread that uses it is interrupted, and the threads that read
 * are the host's, whose interrupts are none of our business. So readers share a channel that may be
 * closed and opened again at any time, and keep their interrupts for the host; everything else goes
 * through a {@link RandomAccessFile}, which knows no interrupts: a sync that is interrupted could
 * hide that it failed.
 */
final class LocalFile implements DiskFile {
  /** The JDK keeps a direct buffer per reading thread, as large as that thread's largest read. */
  private static final int READ_AT_ONCE_BYTES = 128 << 10;

  private static final int WRITE_AT_ONCE_BYTES = 1 << 20;
  private static final long UNKNOWN = -1;

  private final String name;
  private final Path path;
  private final RandomAccessFile file;
  private final @Nullable Object identity;

  // Where the file's own pointer is; guarded by the file, like the pointer itself.
  private long pointer;

  private final Object reopening = new Object();
  private volatile @Nullable FileChannel reading;
  private volatile int reopenings;
  private volatile boolean closed;

  LocalFile(String name, Path path) {
    this.name = name;
    this.path = path;
    try {
      file = new RandomAccessFile(path.toFile(), "rw");
    } catch (FileNotFoundException e) {
      throw StorageFailures.of("open " + path, e);
    }
    try {
      identity = identityOf(path);
      reading = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      closeQuietly(e);
      throw StorageFailures.of("open " + path, e);
    }
  }

  private static @Nullable Object identityOf(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
  }

  private void closeQuietly(IOException cause) {
    try {
      file.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
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
      throw failure("read the size of " + path, e);
    }
  }

  @Override
  public int read(long offset, ByteBuffer target) {
    int start = target.position();
    // A channel would be closed at once by an interrupt that is already there.
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        FileChannel channel = reading;
        try {
          return channel == null ? readOwn(offset, target) : readFully(channel, offset, target);
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
          reopen(channel);
        } catch (ClosedChannelException e) {
          // By another reader's interrupt, or because the file was closed.
          reopen(channel);
        } catch (IOException e) {
          throw failure("read " + path, e);
        }
        target.position(start);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static int readFully(FileChannel channel, long offset, ByteBuffer target)
      throws IOException {
    int limit = target.limit();
    int total = 0;
    try {
      while (target.position() < limit) {
        target.limit(Math.min(limit, target.position() + READ_AT_ONCE_BYTES));
        int read = channel.read(target, offset + total);
        if (read < 0) {
          break;
        }
        total += read;
      }
    } finally {
      target.limit(limit);
    }
    return total;
  }

  /**
   * Slower, because readers wait for each other: for a deleted file that cannot be opened again.
   */
  private int readOwn(long offset, ByteBuffer target) throws IOException {
    var part = new byte[Math.min(target.remaining(), READ_AT_ONCE_BYTES)];
    int total = 0;
    synchronized (file) {
      pointer = UNKNOWN;
      file.seek(offset);
      while (target.hasRemaining()) {
        int read = file.read(part, 0, Math.min(target.remaining(), part.length));
        if (read < 0) {
          break;
        }
        target.put(part, 0, read);
        total += read;
      }
    }
    return total;
  }

  private void reopen(@Nullable FileChannel broken) {
    synchronized (reopening) {
      requireOpen();
      if (reading != broken) {
        return;
      }
      reopenings++;
      try {
        FileChannel again = FileChannel.open(path, StandardOpenOption.READ);
        reading = again;
        if (!Objects.equals(identity, identityOf(path))) {
          reading = null;
          again.close();
        }
      } catch (NoSuchFileException e) {
        reading = null;
      } catch (IOException e) {
        throw StorageFailures.of("open " + path + " again", e);
      }
    }
  }

  /** How often the readers' channel was opened again after an interrupt. */
  int reopenings() {
    return reopenings;
  }

  @Override
  public void write(long offset, ByteBuffer source) {
    int bytes = source.remaining();
    try {
      requireOpen();
      synchronized (file) {
        if (pointer != offset) {
          file.seek(offset);
        }
        pointer = UNKNOWN;
        while (source.hasRemaining()) {
          writePart(source, Math.min(source.remaining(), WRITE_AT_ONCE_BYTES));
        }
        pointer = offset + bytes;
      }
    } catch (IOException e) {
      requireOpen();
      throw StorageFailures.ofWrite(path, bytes, e);
    }
  }

  private void writePart(ByteBuffer source, int length) throws IOException {
    if (source.hasArray()) {
      file.write(source.array(), source.arrayOffset() + source.position(), length);
      source.position(source.position() + length);
    } else {
      var part = new byte[length];
      source.get(part);
      file.write(part);
    }
  }

  @Override
  public void truncate(long sizeBytes) {
    try {
      requireOpen();
      synchronized (file) {
        if (sizeBytes < file.length()) {
          file.setLength(sizeBytes);
          pointer = UNKNOWN;
        }
      }
    } catch (IOException e) {
      throw failure("truncate " + path, e);
    }
  }

  @Override
  public void sync() {
    try {
      requireOpen();
      file.getFD().sync();
    } catch (IOException e) {
      throw failure("sync " + path, e);
    }
  }

  @Override
  public void close() {
    synchronized (reopening) {
      if (closed) {
        return;
      }
      closed = true;
      try {
        closeBoth();
      } catch (IOException e) {
        throw StorageFailures.of("close " + path, e);
      }
    }
  }

  private void closeBoth() throws IOException {
    FileChannel channel = reading;
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      file.close();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new StorageException("the file " + path + " is closed");
    }
  }

  private StorageException failure(String doing, IOException e) {
    requireOpen();
    return StorageFailures.of(doing, e);
  }
}
