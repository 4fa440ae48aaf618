package io.metafabric.cache.chronicle;

import io.metafabric.core.port.Disk;
import io.metafabric.core.store.ViewReport;
import io.metafabric.core.store.ViewReport.State;

/** The tier's files in a fabric's directory. None of them holds what the journal does not. */
public final class ChronicleFiles {
  static final String MAP = "warm.chronicle";
  static final String CLEAN_STOP = "warm.chronicle.clean";

  private ChronicleFiles() {}

  /**
   * Looks at the marker of a directory that no fabric has open, and at the whole map, whose
   * checksum it has. Loads nothing of Chronicle Map and changes nothing.
   */
  public static ViewReport inspect(Disk disk) {
    boolean hasMap = disk.list().contains(MAP);
    if (!disk.list().contains(CLEAN_STOP)) {
      return hasMap
          ? report(
              State.STALE, MAP + " was not closed in order, and is deleted at the next opening")
          : report(State.ABSENT, "there is no Chronicle Map here");
    }
    CleanStop stop = CleanStop.read(disk);
    if (stop == null) {
      return report(State.DAMAGED, "its checksum or format is another; " + MAP + " is not used");
    }
    if (!hasMap) {
      return report(State.STALE, MAP + " is missing, and is filled anew");
    }
    return stop.describes(disk)
        ? report(State.GOOD, "each checksum is right, of it and of " + MAP)
        : report(State.DAMAGED, MAP + " has another length or checksum, and is not used");
  }

  private static ViewReport report(State state, String why) {
    return new ViewReport(CLEAN_STOP, state, why);
  }

  /** Gives back the room that an earlier opening took; does nothing if there was none. */
  public static void discard(Disk disk) {
    disk.delete(CLEAN_STOP);
    disk.delete(MAP);
  }
}
