package io.metafabric.simulation;

import io.metafabric.core.record.Header;
import io.metafabric.core.version.VersionVector;
import java.util.Set;

/** What may differ between regions that agree on every value. */
final class Losers {
  private static final Set<Fault> OLDER_DISKS =
      Set.of(Fault.OLD_DISK, Fault.OLD_DISK_LOSES_OWN_WRITES, Fault.EMPTIED_DISK);

  private Losers() {}

  /**
   * A write that lost to a concurrent one of another region is garbage where it was made; once it
   * is compacted, a region that has not had it, or has lost it with its disk, is not told of it any
   * more. Of what an evicted region wrote the members tell each other by comparisons alone, which
   * know of winners. All come to the same value, but that region's context lacks the loser, until
   * the key is written again.
   */
  static boolean mayBeForgotten(Setting setting) {
    return setting.retainBytes() < Setting.AMPLE_BYTES
        || setting.weak()
        || setting.operators()
        || mayLoseDisks(setting);
  }

  static boolean mayLoseDisks(Setting setting) {
    return setting.weather().keySet().stream().anyMatch(OLDER_DISKS::contains);
  }

  static Header withoutContext(Header header) {
    return header.withVersion(header.version().withContext(VersionVector.EMPTY));
  }
}
