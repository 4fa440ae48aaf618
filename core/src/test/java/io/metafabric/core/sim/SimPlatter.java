package io.metafabric.core.sim;

import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.error.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What stays of a disk when the process ends: files, names, faults. Whoever uses it says in which
 * life, and fails when that is over. Thread-safe.
 */
final class SimPlatter {
  /** The file that operations on the directory are about. */
  static final String DIRECTORY = "";

  private final String name;
  private final RandomGenerator random;
  private final TreeMap<String, SimInode> names = new TreeMap<>();
  private final TreeMap<String, SimInode> durableNames = new TreeMap<>();
  private final List<SimFault> faults = new ArrayList<>();
  private final List<String> openFiles = new ArrayList<>();
  private long capacityBytes = Long.MAX_VALUE;
  private int life;
  private boolean locked;
  private long operations;
  private SimDiskLog log = (operation, file, offset, result) -> {};
  private long actionAt = -1;
  private Runnable action = () -> {};

  SimPlatter(String name, RandomGenerator random) {
    this.name = name;
    this.random = random;
  }

  synchronized SimPlatter copy(String copyName, RandomGenerator copyRandom) {
    var copy = new SimPlatter(copyName, copyRandom);
    names.forEach((file, inode) -> copy.names.put(file, inode.copy()));
    copy.durableNames.putAll(copy.names);
    return copy;
  }

  synchronized void tell(SimDiskLog listener) {
    log = listener;
  }

  synchronized void done(SimDisk.Operation operation, String file, long offset, long result) {
    log.done(operation, file, offset, result);
  }

  String describe() {
    return "simulated disk of " + name;
  }

  synchronized int life() {
    return life;
  }

  /** Ends the life, and returns the next one. */
  synchronized int crash(SimDisk.Loss loss) {
    locked = false;
    openFiles.clear();
    actionAt = -1;
    for (String file : allNames()) {
      SimInode before = durableNames.get(file);
      SimInode now = names.get(file);
      if (before != null) {
        before.crash(loss, random);
      }
      if (now != null && now != before) {
        now.crash(loss, random);
      }
      boolean undone =
          before != now
              && (loss == SimDisk.Loss.ALL || (loss == SimDisk.Loss.SOME && random.nextBoolean()));
      setName(file, undone ? before : now);
    }
    durableNames.clear();
    durableNames.putAll(names);
    return ++life;
  }

  private List<String> allNames() {
    var all = new TreeMap<>(durableNames);
    all.putAll(names);
    return List.copyOf(all.keySet());
  }

  private void setName(String file, @Nullable SimInode inode) {
    if (inode == null) {
      names.remove(file);
    } else {
      names.put(file, inode);
    }
  }

  synchronized void setCapacityBytes(long bytes) {
    capacityBytes = bytes;
  }

  synchronized long usedBytes() {
    return names.values().stream().mapToLong(SimInode::size).sum();
  }

  synchronized long freeBytes() {
    return Math.max(0, capacityBytes - usedBytes());
  }

  synchronized SimFault fail(SimDisk.Operation operation, Predicate<String> files, long times) {
    var fault = new SimFault(operation, files, times);
    faults.add(fault);
    return fault;
  }

  synchronized SimInode existing(String file) {
    SimInode inode = names.get(file);
    if (inode == null) {
      throw new IllegalArgumentException("there is no file " + file + " on the " + describe());
    }
    return inode;
  }

  synchronized long operations() {
    return operations;
  }

  synchronized void beforeOperation(long count, Runnable run) {
    actionAt = operations + count;
    action = run;
  }

  synchronized List<String> openFiles() {
    return openFiles.stream().sorted().toList();
  }

  synchronized boolean isLocked() {
    return locked;
  }

  /** Counts an operation, and fails it if its life is over or a fault is due. */
  void begin(int itsLife, SimDisk.Operation operation, String file) {
    count();
    synchronized (this) {
      checkLife(itsLife);
      throwIfFaulty(operation, file);
    }
  }

  /** The same without faults: for operations that do something even as they fail. */
  void beginWithoutFaults(int itsLife) {
    count();
    checkLife(itsLife);
  }

  private void count() {
    Runnable due = null;
    synchronized (this) {
      if (operations++ == actionAt) {
        actionAt = -1;
        due = action;
      }
    }
    if (due != null) {
      due.run();
    }
  }

  synchronized void checkLife(int itsLife) {
    if (itsLife != life) {
      throw new StorageException(
          "the process that had opened the " + describe() + " has ended; open it again");
    }
  }

  synchronized void throwIfFaulty(SimDisk.Operation operation, String file) {
    if (isFaulty(operation, file)) {
      log.done(operation, file, 0, -1);
      throw new StorageException(
          "cannot " + operation + " " + file + " on the " + describe() + ": simulated fault");
    }
  }

  synchronized boolean isFaulty(SimDisk.Operation operation, String file) {
    faults.removeIf(SimFault::isOver);
    for (SimFault fault : faults) {
      if (fault.hits(operation, file)) {
        return true;
      }
    }
    return false;
  }

  synchronized int drawUpTo(int bound) {
    return random.nextInt(bound + 1);
  }

  synchronized void lock() {
    if (locked) {
      throw new DirectoryInUseException(
          "the " + describe() + " is in use by another fabric; close it or use another directory");
    }
    locked = true;
    log.done(SimDisk.Operation.LOCK, DIRECTORY, 0, 0);
  }

  synchronized void unlock(int itsLife) {
    if (itsLife == life) {
      locked = false;
    }
  }

  synchronized List<String> files() {
    return List.copyOf(names.keySet());
  }

  synchronized List<String> list() {
    log.done(SimDisk.Operation.LIST, DIRECTORY, 0, names.size());
    return List.copyOf(names.keySet());
  }

  synchronized SimInode open(String file) {
    log.done(SimDisk.Operation.OPEN, file, 0, 0);
    openFiles.add(file);
    return names.computeIfAbsent(file, absent -> new SimInode());
  }

  synchronized void closed(int itsLife, String file) {
    if (itsLife == life) {
      openFiles.remove(file);
    }
  }

  synchronized void delete(String file) {
    names.remove(file);
    log.done(SimDisk.Operation.DELETE, file, 0, 0);
  }

  synchronized void syncDirectory() {
    log.done(SimDisk.Operation.SYNC_DIRECTORY, DIRECTORY, 0, 0);
    durableNames.clear();
    durableNames.putAll(names);
  }
}
