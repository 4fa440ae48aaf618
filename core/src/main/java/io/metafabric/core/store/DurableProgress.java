package io.metafabric.core.store;

import io.metafabric.core.version.VersionVector;

/**
 * What a disk is sure to have of what was published: peers forget deletions that all regions have,
 * so nothing may be told to them that a loss of power can take back. Thread-safe.
 */
final class DurableProgress {
  private VersionVector durable = VersionVector.EMPTY;
  private VersionVector waiting = VersionVector.EMPTY;
  private long waitingPosition = Long.MAX_VALUE;

  /**
   * @param published up to which counters each actor's changes are published
   * @param position of the journal, which has all of them at or before it
   * @param durablePosition up to which the disk has the journal
   * @return what is durable of it, or was the last time
   */
  synchronized VersionVector update(VersionVector published, long position, long durablePosition) {
    if (waitingPosition <= durablePosition) {
      durable = waiting;
      waitingPosition = Long.MAX_VALUE;
    }
    if (position <= durablePosition) {
      durable = published;
    } else if (waitingPosition == Long.MAX_VALUE) {
      waiting = published;
      waitingPosition = position;
    }
    return durable;
  }
}
