package io.metafabric.simulation;

import java.util.Map;

/** Faults that the fabric has no answer to yet, and why; to be removed from here one by one. */
final class NotYet {
  private NotYet() {}

  static final Map<Fault, String> REASONS =
      Map.of(
          Fault.OLD_DISK_LOSES_OWN_WRITES,
          "CONTRACT, \"Lost files\": regions send their own writes only, so what a region has lost"
              + " of its own does not come back from those that have it",
          Fault.EMPTIED_DISK,
          "the same, for all that the region ever wrote",
          Fault.POWER_LOSS_OF_WEAK_WRITES,
          "the same, for writes that reached others before this disk");
}
