package io.metafabric.simulation;

import io.metafabric.core.record.Header;
import io.metafabric.core.version.VersionVector;
import java.util.Map;

/** What the fabric has no answer to yet, and why; to be removed from here one by one. */
final class NotYet {
  private NotYet() {}

  /** Faults that are left out of every seed. */
  static final Map<Fault, String> FAULTS =
      Map.of(
          Fault.OLD_DISK_LOSES_OWN_WRITES,
          "what a region has lost of its own comes back by comparisons (RepairTest), but until then"
              + " it knows less than it did, which the invariants take for a violation",
          Fault.EMPTIED_DISK,
          "the same, for all that the region ever wrote",
          Fault.POWER_LOSS_OF_WEAK_WRITES,
          "the same, for writes that reached others before this disk");

  /**
   * Evictions at random, unless they are asked for with {@code -Dsim.evictions=true}. A member that
   * has a write's header is taken to have all of it; where home and backup were evicted too, or had
   * not got it yet, its payload is nowhere then, and not in the log of the region that wrote it.
   */
  static final boolean EVICTIONS = Boolean.getBoolean("sim.evictions");

  /**
   * A write that lost to a concurrent one of another region is garbage where it was made; once it
   * is compacted, a region that has not had it, or has lost it with an old disk, is not told of it
   * any more. All come to the same value, but that region's context lacks the loser, until the key
   * is written again.
   */
  static boolean losersMayBeForgotten(Setting setting) {
    return setting.retainBytes() < Setting.AMPLE_BYTES
        || setting.weather().containsKey(Fault.OLD_DISK);
  }

  static Header withoutContext(Header header) {
    return header.withVersion(header.version().withContext(VersionVector.EMPTY));
  }
}
