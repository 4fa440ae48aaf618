package io.metafabric.core.sim;

import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * A disk in memory that keeps what was synced, and at a crash decides by chance for each write that
 * was not: kept, lost, or torn. Not thread-safe.
 */
public final class SimDisk implements Disk {
  private record Write(long offset, byte[] bytes) {}

  /** Truncations are taken as durable at once: the journal only cuts what it never acknowledged. */
  private static final class Content {
    byte[] now = new byte[0];
    byte[] durable = new byte[0];
    final List<Write> unsynced = new ArrayList<>();
  }

  private final String name;
  private final RandomGenerator random;
  private final TreeMap<String, Content> files = new TreeMap<>();
  private long capacityBytes = Long.MAX_VALUE;
  private int failingSyncs;
  private boolean locked;
  private int life = 1;

  SimDisk(String name, RandomGenerator random) {
    this.name = name;
    this.random = random;
  }

  /** Writes beyond this many bytes in all fail as on a full disk. */
  public void setCapacityBytes(long bytes) {
    capacityBytes = bytes;
  }

  public void failNextSyncs(int count) {
    failingSyncs = count;
  }

  /** Flips every bit of one byte, durably. */
  public void damage(String file, long offset) {
    Content content = files.get(file);
    content.now = content.now.clone();
    content.now[(int) offset] ^= (byte) 0xff;
    content.durable = content.durable.clone();
    content.durable[(int) offset] ^= (byte) 0xff;
  }

  public byte[] contentOf(String file) {
    return files.get(file).now.clone();
  }

  /** All open files die, the lock is gone, and unsynced writes meet their fate. */
  public void crash() {
    life++;
    locked = false;
    for (Content content : files.values()) {
      byte[] survived = content.durable;
      for (Write write : content.unsynced) {
        int fate = random.nextInt(3);
        int kept = fate == 0 ? 0 : fate == 1 ? write.bytes.length : tornAt(write);
        survived = written(survived, write.offset, Arrays.copyOf(write.bytes, kept));
      }
      content.unsynced.clear();
      content.durable = survived;
      content.now = survived;
    }
  }

  private int tornAt(Write write) {
    return random.nextInt(write.bytes.length + 1);
  }

  private static byte[] written(byte[] content, long offset, byte[] bytes) {
    if (bytes.length == 0) {
      return content;
    }
    int end = Math.toIntExact(offset + bytes.length);
    byte[] next = Arrays.copyOf(content, Math.max(content.length, end));
    System.arraycopy(bytes, 0, next, (int) offset, bytes.length);
    return next;
  }

  private long usedBytes() {
    return files.values().stream().mapToLong(content -> content.now.length).sum();
  }

  @Override
  public DirectoryLock lock() {
    if (locked) {
      throw new DirectoryInUseException("the simulated disk of " + name + " is in use", null);
    }
    locked = true;
    int mine = life;
    return () -> {
      if (mine == life) {
        locked = false;
      }
    };
  }

  @Override
  public List<String> list() {
    return List.copyOf(files.keySet());
  }

  @Override
  public DiskFile open(String file) {
    if (file.isEmpty() || file.indexOf('/') >= 0) {
      throw new IllegalArgumentException("not a plain file name: \"" + file + "\"");
    }
    return new File(file, files.computeIfAbsent(file, created -> new Content()), life);
  }

  @Override
  public void delete(String file) {
    files.remove(file);
  }

  @Override
  public void syncDirectory() {}

  @Override
  public String describe() {
    return "simulated disk of " + name;
  }

  private final class File implements DiskFile {
    private final String file;
    private final Content content;
    private final int bornIn;
    private boolean closed;

    File(String file, Content content, int bornIn) {
      this.file = file;
      this.content = content;
      this.bornIn = bornIn;
    }

    private void requireOpen() {
      if (closed || bornIn != life) {
        throw new StorageException("the file " + file + " of " + name + " is closed");
      }
    }

    @Override
    public String name() {
      return file;
    }

    @Override
    public long sizeBytes() {
      requireOpen();
      return content.now.length;
    }

    @Override
    public int read(long offset, ByteBuffer target) {
      requireOpen();
      int length = (int) Math.max(0, Math.min(target.remaining(), content.now.length - offset));
      target.put(content.now, (int) Math.min(offset, content.now.length), length);
      return length;
    }

    @Override
    public void write(long offset, ByteBuffer source) {
      requireOpen();
      byte[] bytes = new byte[source.remaining()];
      source.get(bytes);
      long grows = Math.max(0, offset + bytes.length - content.now.length);
      if (usedBytes() + grows > capacityBytes) {
        // As a real disk does: a part of it was written before the room ran out.
        content.now = written(content.now, offset, Arrays.copyOf(bytes, bytes.length / 2));
        throw new StorageFullException("the simulated disk of " + name + " is full");
      }
      content.now = written(content.now, offset, bytes);
      content.unsynced.add(new Write(offset, bytes));
    }

    @Override
    public void truncate(long sizeBytes) {
      requireOpen();
      int size = Math.toIntExact(sizeBytes);
      content.now = Arrays.copyOf(content.now, size);
      content.durable = Arrays.copyOf(content.durable, Math.min(content.durable.length, size));
      content.unsynced.removeIf(write -> write.offset + write.bytes.length > size);
    }

    @Override
    public void sync() {
      requireOpen();
      if (failingSyncs > 0) {
        failingSyncs--;
        throw new StorageException("the simulated disk of " + name + " failed to sync " + file);
      }
      content.durable = content.now;
      content.unsynced.clear();
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
