package io.metafabric.benchmarks.replay;

import java.util.BitSet;

/** Every write's payload goes to all regions, which keep it. */
final class FullReplication extends NoReplication {
  private final CostWorld world;
  private final BitSet here = new BitSet();

  FullReplication(CostWorld world) {
    this.world = world;
  }

  @Override
  public boolean hearsOfChanges() {
    return true;
  }

  @Override
  public boolean changed(int key, int payloadBytes, long nowMs) {
    here.clear(key);
    return true;
  }

  @Override
  public void sent(int key, long nowMs) {
    here.set(key);
  }

  @Override
  public void wroteHere(int row, long nowMs) {
    here.set(world.trace.key()[row]);
  }

  @Override
  public boolean read(int row, long nowMs) {
    return here.get(world.trace.key()[row]);
  }

  @Override
  public double storedUntilMs(int key) {
    return here.get(key) ? Double.MAX_VALUE : 0;
  }
}
