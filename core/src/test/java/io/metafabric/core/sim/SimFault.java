package io.metafabric.core.sim;

import java.util.function.Predicate;

/** Something that goes wrong with a disk: once, or until it is ended. */
public final class SimFault {
  private final SimDisk.Operation operation;
  private final Predicate<String> files;
  private long remaining;
  private long hits;

  SimFault(SimDisk.Operation operation, Predicate<String> files, long times) {
    this.operation = operation;
    this.files = files;
    this.remaining = times;
  }

  synchronized boolean hits(SimDisk.Operation now, String file) {
    if (remaining == 0 || now != operation || !files.test(file)) {
      return false;
    }
    remaining--;
    hits++;
    return true;
  }

  public boolean isOfReads() {
    return operation == SimDisk.Operation.READ;
  }

  /** How often it struck. */
  public synchronized long hits() {
    return hits;
  }

  public synchronized void end() {
    remaining = 0;
  }

  synchronized boolean isOver() {
    return remaining == 0;
  }
}
