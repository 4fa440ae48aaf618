package io.metafabric.core.sim;

import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;

/** An open file of a simulated disk; dead after a crash. */
final class SimFile implements DiskFile {
  private final SimPlatter platter;
  private final int life;
  private final String name;
  private final SimInode inode;
  private boolean open = true;

  SimFile(SimPlatter platter, int life, String name, SimInode inode) {
    this.platter = platter;
    this.life = life;
    this.name = name;
    this.inode = inode;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sizeBytes() {
    synchronized (platter) {
      requireOpen();
      return inode.size();
    }
  }

  @Override
  public int read(long offset, ByteBuffer target) {
    platter.begin(life, SimDisk.Operation.READ, name);
    synchronized (platter) {
      requireOpen();
      int start = target.position();
      int limit = target.limit();
      if (target.hasRemaining() && platter.isFaulty(SimDisk.Operation.READ_ALL, name)) {
        target.limit(start + platter.drawUpTo(target.remaining() - 1));
      }
      int count = inode.read(checked(offset), target);
      target.limit(limit);
      var bytes = target.duplicate().position(start).limit(start + count);
      platter.done(SimDisk.Operation.READ, name, offset, packed(count, Checksums.crc32c(bytes)));
      return count;
    }
  }

  @Override
  public void write(long offset, ByteBuffer source) {
    platter.beginWithoutFaults(life);
    synchronized (platter) {
      requireOpen();
      int at = checked(offset);
      try {
        platter.throwIfFaulty(SimDisk.Operation.WRITE, name);
      } catch (StorageException e) {
        write(at, source, platter.drawUpTo(source.remaining()));
        throw e;
      }
      long grows = Math.max(0, at + (long) source.remaining() - inode.size());
      long lacking = grows - platter.freeBytes();
      if (lacking > 0) {
        // As a real disk does: what fits is written before the room runs out.
        write(at, source, (int) Math.max(0, source.remaining() - lacking));
        throw new StorageFullException(
            "cannot write " + name + ": the " + platter.describe() + " is full; free some space");
      }
      write(at, source, source.remaining());
    }
  }

  private void write(int at, ByteBuffer source, int length) {
    if (length > 0) {
      var bytes = new byte[length];
      source.get(bytes);
      inode.write(at, bytes);
      platter.done(
          SimDisk.Operation.WRITE, name, at, packed(length, Checksums.crc32c(bytes, 0, length)));
    }
  }

  private static long packed(int length, int crc32c) {
    return (long) length << 32 | (crc32c & 0xffff_ffffL);
  }

  @Override
  public void truncate(long sizeBytes) {
    platter.begin(life, SimDisk.Operation.TRUNCATE, name);
    synchronized (platter) {
      requireOpen();
      int size = checked(sizeBytes);
      if (size < inode.size()) {
        inode.truncate(size);
      }
      platter.done(SimDisk.Operation.TRUNCATE, name, sizeBytes, inode.size());
    }
  }

  @Override
  public void sync() {
    platter.beginWithoutFaults(life);
    synchronized (platter) {
      requireOpen();
      try {
        platter.throwIfFaulty(SimDisk.Operation.SYNC, name);
      } catch (StorageException e) {
        inode.failSync();
        throw e;
      }
      inode.sync();
      platter.done(SimDisk.Operation.SYNC, name, 0, inode.size());
    }
  }

  @Override
  public void close() {
    synchronized (platter) {
      if (open) {
        platter.closed(life, name);
      }
      open = false;
    }
  }

  private void requireOpen() {
    platter.checkLife(life);
    if (!open) {
      throw new StorageException(
          "the file " + name + " of the " + platter.describe() + " is closed");
    }
  }

  private static int checked(long offset) {
    if (offset < 0 || offset > Integer.MAX_VALUE - 64) {
      throw new IllegalArgumentException("a simulated file has no offset " + offset);
    }
    return (int) offset;
  }
}
