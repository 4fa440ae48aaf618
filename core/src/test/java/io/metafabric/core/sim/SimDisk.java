package io.metafabric.core.sim;

import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * A disk in memory that knows what is durable, and breaks on demand.
 *
 * <p>A crash ends open files and the lock, and loses what was not synced: of each write since the
 * last sync of its file nothing, all, a beginning, a beginning followed by zeros, or any of its
 * pages survive, each write for itself; the creation and deletion of a file since the last {@link
 * #syncDirectory} may be undone. After a failed sync the writes it was for can be read, but no
 * later sync makes them durable, as on Linux. Thread-safe.
 */
public final class SimDisk implements Disk {
  /** What becomes of unsynced writes in a crash. */
  public enum Loss {
    /** Nothing is lost: a process is killed, the operating system lives on. */
    NONE,
    /** Any part, at random. */
    SOME,
    ALL
  }

  /** What can be made to fail. */
  public enum Operation {
    LOCK,
    LIST,
    OPEN,
    READ,
    /** It does not fail, but gives a part of what is there. */
    READ_ALL,
    WRITE,
    TRUNCATE,
    SYNC,
    DELETE,
    SYNC_DIRECTORY
  }

  private final SimPlatter platter;
  private volatile int life;

  /** A disk without a node. */
  public SimDisk(long seed) {
    this("seed " + seed, new SplittableRandom(seed));
  }

  public SimDisk(String name, RandomGenerator random) {
    this(new SimPlatter(name, random));
  }

  private SimDisk(SimPlatter platter) {
    this.platter = platter;
    this.life = platter.life();
  }

  /** A disk with the same files, all durable: a clone, or a backup to be restored. */
  public SimDisk copy(String name, RandomGenerator random) {
    return new SimDisk(platter.copy(name, random));
  }

  public void crash() {
    crash(Loss.SOME);
  }

  /** All open files die, the lock is gone; the disk itself can be used again. */
  public void crash(Loss loss) {
    life = platter.crash(loss);
  }

  /** The same disk for the next life; this object is as dead as its files. */
  SimDisk afterCrash(Loss loss) {
    platter.crash(loss);
    return new SimDisk(platter);
  }

  void tell(SimDiskLog listener) {
    platter.tell(listener);
  }

  /** Writes that would make all files together larger than this find the disk full. */
  public void setCapacityBytes(long bytes) {
    platter.setCapacityBytes(bytes);
  }

  public long usedBytes() {
    return platter.usedBytes();
  }

  /** The next {@code operation} on any file fails. */
  public SimFault failNext(Operation operation) {
    return failNext(operation, file -> true);
  }

  /** The next {@code operation} on one of {@code files} fails. */
  public SimFault failNext(Operation operation, Predicate<String> files) {
    return platter.fail(operation, files, 1);
  }

  /** Every {@code operation} on {@code files} fails until the fault is ended. */
  public SimFault failAll(Operation operation, Predicate<String> files) {
    return platter.fail(operation, files, Long.MAX_VALUE);
  }

  public SimFault failNextSyncs(int count) {
    return platter.fail(Operation.SYNC, file -> true, count);
  }

  /**
   * Flips every bit of one byte, durably and unnoticed.
   *
   * @return flips them back, if nothing was written there since and that very file is still as long
   */
  public Runnable damage(String file, long offset) {
    synchronized (platter) {
      SimInode inode = platter.existing(file);
      inode.rot((int) offset);
      return () -> {
        synchronized (platter) {
          inode.mend((int) offset);
        }
      };
    }
  }

  /** The names of all files, sorted; unlike {@link #list}, no operation of anybody's. */
  public List<String> files() {
    return platter.files();
  }

  public byte[] contentOf(String file) {
    synchronized (platter) {
      SimInode inode = platter.existing(file);
      var content = ByteBuffer.allocate(inode.size());
      inode.read(0, content);
      return content.array();
    }
  }

  /** How many operations were begun since the disk was made. */
  public long operations() {
    return platter.operations();
  }

  /**
   * Runs {@code action}, a crash for example, in the middle of work: once {@code count} more
   * operations were made, before the next. A crash cancels it.
   */
  public void beforeOperation(long count, Runnable action) {
    platter.beforeOperation(count, action);
  }

  /** Files that were opened and not closed in this life, sorted. */
  public List<String> openFiles() {
    return platter.openFiles();
  }

  public boolean isLocked() {
    return platter.isLocked();
  }

  @Override
  public DirectoryLock lock() {
    int mine = life;
    platter.begin(mine, Operation.LOCK, SimPlatter.DIRECTORY);
    platter.lock();
    return new Lock(platter, mine);
  }

  @Override
  public List<String> list() {
    platter.begin(life, Operation.LIST, SimPlatter.DIRECTORY);
    return platter.list();
  }

  @Override
  public DiskFile open(String name) {
    Disk.requirePlainName(name);
    int mine = life;
    platter.begin(mine, Operation.OPEN, name);
    return new SimFile(platter, mine, name, platter.open(name));
  }

  @Override
  public void delete(String name) {
    Disk.requirePlainName(name);
    platter.begin(life, Operation.DELETE, name);
    platter.delete(name);
  }

  @Override
  public void syncDirectory() {
    platter.begin(life, Operation.SYNC_DIRECTORY, SimPlatter.DIRECTORY);
    platter.syncDirectory();
  }

  @Override
  public String describe() {
    return platter.describe();
  }

  private static final class Lock implements DirectoryLock {
    private final SimPlatter platter;
    private final int life;
    private boolean held = true;

    Lock(SimPlatter platter, int life) {
      this.platter = platter;
      this.life = life;
    }

    @Override
    public synchronized void close() {
      if (held) {
        platter.unlock(life);
      }
      held = false;
    }
  }
}
