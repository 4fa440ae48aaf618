package io.metafabric.benchmarks.replay;

/** Each read of what is elsewhere asks there. */
class NoReplication implements CostPolicy {
  @Override
  public boolean hearsOfChanges() {
    return false;
  }

  @Override
  public boolean changed(int key, int payloadBytes, long nowMs) {
    return false;
  }

  @Override
  public void sent(int key, long nowMs) {}

  @Override
  public void wroteHere(int row, long nowMs) {}

  @Override
  public boolean read(int row, long nowMs) {
    return false;
  }

  @Override
  public void readElsewhere(int row, long nowMs) {}

  @Override
  public void arrived(int row, long nowMs) {}

  @Override
  public int takePrefetches(int region, int[] into, long nowMs) {
    return 0;
  }

  @Override
  public void prefetched(int key, boolean awaited, long nowMs) {
    throw new IllegalStateException("never asked for " + key);
  }

  @Override
  public void overtaken(int key, boolean prefetched) {}

  @Override
  public double storedUntilMs(int key) {
    return 0;
  }
}
