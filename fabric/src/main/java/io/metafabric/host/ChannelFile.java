package io.metafabric.host;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file behind two channels, one for the writer and one for readers.
 *
 * <p>The JDK closes a channel when a thread that uses it is interrupted. Reads run on the host's
 * threads, whose interrupts are none of our business: their channel is opened again, the read
 * repeated, and the interrupt kept for the host. The writer's channel they cannot touch.
 */
final class ChannelFile implements DiskFile {
  private final String name;
  private final Path path;
  private final FileChannel writing;
  private final Object reopening = new Object();
  private volatile FileChannel reading;
  private volatile boolean closed;

  ChannelFile(String name, Path path) {
    this.name = name;
    this.path = path;
    this.writing = open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      this.reading = open(path, StandardOpenOption.READ);
    } catch (StorageException e) {
      closeQuietly(writing, e);
      throw e;
    }
  }

  private static FileChannel open(Path path, StandardOpenOption... options) {
    try {
      return FileChannel.open(path, options);
    } catch (IOException e) {
      throw FileDisk.failure("open " + path, e);
    }
  }

  private static void closeQuietly(FileChannel channel, StorageException cause) {
    try {
      channel.close();
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
      return writing.size();
    } catch (IOException e) {
      throw FileDisk.failure("read the size of " + path, e);
    }
  }

  @Override
  public int read(long offset, ByteBuffer target) {
    int start = target.position();
    boolean interrupted = false;
    try {
      while (true) {
        FileChannel channel = reading;
        try {
          target.position(start);
          return readFully(channel, offset, target);
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
          reopen(channel);
        } catch (ClosedChannelException e) {
          // Another reader's interrupt closed it, unless the file was closed.
          reopen(channel);
        } catch (IOException e) {
          throw FileDisk.failure("read " + path, e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static int readFully(FileChannel channel, long offset, ByteBuffer target)
      throws IOException {
    int total = 0;
    while (target.hasRemaining()) {
      int read = channel.read(target, offset + total);
      if (read < 0) {
        break;
      }
      total += read;
    }
    return total;
  }

  private void reopen(FileChannel broken) {
    synchronized (reopening) {
      if (closed) {
        throw new StorageException("the file " + path + " is closed");
      }
      if (reading == broken) {
        reading = open(path, StandardOpenOption.READ);
      }
    }
  }

  @Override
  public void write(long offset, ByteBuffer source) {
    try {
      long at = offset;
      while (source.hasRemaining()) {
        at += writing.write(source, at);
      }
    } catch (IOException e) {
      throw FileDisk.failure("write " + path, e);
    }
  }

  @Override
  public void truncate(long sizeBytes) {
    try {
      writing.truncate(sizeBytes);
    } catch (IOException e) {
      throw FileDisk.failure("truncate " + path, e);
    }
  }

  @Override
  public void sync() {
    try {
      writing.force(false);
    } catch (IOException e) {
      throw FileDisk.failure("sync " + path, e);
    }
  }

  @Override
  public void close() {
    synchronized (reopening) {
      closed = true;
      try {
        try {
          writing.close();
        } finally {
          reading.close();
        }
      } catch (IOException e) {
        throw FileDisk.failure("close " + path, e);
      }
    }
  }
}
