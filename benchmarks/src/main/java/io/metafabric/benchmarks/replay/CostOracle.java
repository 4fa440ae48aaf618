package io.metafabric.benchmarks.replay;

import java.util.BitSet;

/**
 * What somebody would pay at least who knows all that is to come: each version that is read in its
 * key's reader is sent there once, just before, by whoever sends it cheapest. Nobody waits, headers
 * cost nothing, and a cache that is large enough keeps it until the last read.
 *
 * <p>No policy pays less, for each must get such a version at least once. None may reach it: a
 * cache is not that large, and what goes beyond it pays for storage.
 */
final class CostOracle {
  private final CostWorld world;
  private final CostMeter meter;
  private final int[] bytes;

  /** Keys whose version is in their reader. */
  private final BitSet here = new BitSet();

  CostOracle(CostWorld world) {
    this.world = world;
    this.meter = new CostMeter(world.sheet);
    this.bytes = new int[world.home.length];
  }

  CostMeter run() {
    for (int row = 0; row < world.timeMs.length; row++) {
      int key = world.trace.key()[row];
      boolean inReader = !world.holdsAlways(key, world.region[row]);
      if (world.reads[row]) {
        meter.read();
        if (inReader) {
          meter.remoteRead();
          need(key);
        }
      }
      if (world.creates[row] || world.writes[row]) {
        bytes[key] = world.payloadBytes[row];
        here.set(key, inReader);
      }
    }
    return meter;
  }

  private void need(int key) {
    int reader = world.reader[key];
    int from = cheapest(key);
    long wireBytes = CostReplay.OVERHEAD_BYTES + (long) bytes[key];
    if (!here.get(key)) {
      here.set(key);
      meter.copy();
      meter.send(from, reader, wireBytes);
    }
  }

  private int cheapest(int key) {
    int reader = world.reader[key];
    double fromHome = world.sheet.transfer(world.home[key], reader, 1);
    return fromHome <= world.sheet.transfer(world.backup[key], reader, 1)
        ? world.home[key]
        : world.backup[key];
  }
}
