package io.metafabric.cache.chronicle;

import io.metafabric.core.port.Disk;

/** The tier's files in a fabric's directory. None of them holds what the journal does not. */
public final class ChronicleFiles {
  static final String MAP = "warm.chronicle";
  static final String CLEAN_STOP = "warm.chronicle.clean";

  private ChronicleFiles() {}

  /** Gives back the room that an earlier opening took; does nothing if there was none. */
  public static void discard(Disk disk) {
    disk.delete(CLEAN_STOP);
    disk.delete(MAP);
  }
}
