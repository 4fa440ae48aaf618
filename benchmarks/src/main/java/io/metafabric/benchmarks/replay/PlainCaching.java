package io.metafabric.benchmarks.replay;

/** A cache in each region, filled by what is read there, and told of changes. */
final class PlainCaching extends NoReplication {
  private final CostWorld world;
  private final ReplayPolicy[] caches;

  /**
   * @param caches of the regions
   */
  PlainCaching(CostWorld world, ReplayPolicy[] caches) {
    this.world = world;
    this.caches = caches;
  }

  private ReplayPolicy of(int key) {
    return caches[world.reader[key]];
  }

  @Override
  public boolean hearsOfChanges() {
    return true;
  }

  @Override
  public boolean changed(int key, int payloadBytes, long nowMs) {
    of(key).outdated(key);
    return false;
  }

  @Override
  public void wroteHere(int row, long nowMs) {
    arrived(row, nowMs);
  }

  @Override
  public boolean read(int row, long nowMs) {
    return of(world.trace.key()[row]).request(row, nowMs);
  }

  @Override
  public void arrived(int row, long nowMs) {
    of(world.trace.key()[row]).arrived(row);
  }
}
