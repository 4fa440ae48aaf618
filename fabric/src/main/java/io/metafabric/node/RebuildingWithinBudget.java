package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.Rebuilding;
import io.metafabric.replicate.arm.ReplicationManager;

/**
 * Missing copies are brought with the bytes a second that copies may cost, and counted with the
 * dollars of the day. The account is the ARM's.
 */
final class RebuildingWithinBudget implements Rebuilding {
  private final RegionName region;
  private final ReplicationManager arm;
  private final Clock clock;

  RebuildingWithinBudget(RegionName region, ReplicationManager arm, Clock clock) {
    this.region = region;
    this.arm = arm;
    this.clock = clock;
  }

  @Override
  public double readsPerSecond(Key key) {
    return arm.readsPerSecond(key.path(), clock.nanoTime());
  }

  @Override
  public boolean take(long bytes) {
    return arm.payBytes(bytes, clock.nanoTime());
  }

  @Override
  public void giveBack(long bytes) {
    arm.giveBackBytes(bytes);
  }

  @Override
  public void came(RegionName from, long bytes) {
    arm.broughtMissing(from, region, bytes, clock.nanoTime());
  }
}
