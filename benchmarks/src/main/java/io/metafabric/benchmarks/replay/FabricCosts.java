package io.metafabric.benchmarks.replay;

import io.metafabric.core.record.RegionName;
import io.metafabric.predict.Source;
import io.metafabric.replicate.arm.Prices;
import java.util.BitSet;

/**
 * The classes that fabrics are made of, one for each region: hot tier, predictors and ARM as a
 * {@link FabricPolicy} calls them, and a store whose copies come and go as an {@link UpdatePolicy}
 * says.
 */
final class FabricCosts implements CostPolicy {
  private final CostWorld world;
  private final Prices prices;
  private final FabricPolicy[] regions;
  private final CopyKeeper[] keepers;

  /** Up to when the store keeps a copy; 0 if it has none. By key, as what follows. */
  private final double[] untilMs;

  private final int[] payloadBytes;

  /** How long to keep what is on its way here. */
  private final double[] keptMs;

  private final BitSet underWay = new BitSet();
  private long nowMs;

  FabricCosts(CostWorld world, int capacity, double savedMs, long seed) {
    this.world = world;
    this.prices = world.sheet.forArm(savedMs);
    this.untilMs = new double[world.home.length];
    this.keptMs = new double[world.home.length];
    this.payloadBytes = new int[world.home.length];
    int count = world.sheet.regions().size();
    this.regions = new FabricPolicy[count];
    this.keepers = new CopyKeeper[count];
    for (int i = 0; i < count; i++) {
      regions[i] =
          new FabricPolicy(
              world.trace, new Place(i), capacity, 1, seed + i, true, false, false, Source.DEFAULT);
      keepers[i] = new CopyKeeper(new UpdatePolicy(prices, CostReplay.OVERHEAD_BYTES));
    }
  }

  private final class Place implements FabricPolicy.Site {
    private final int number;

    Place(int number) {
      this.number = number;
    }

    @Override
    public RegionName region() {
      return world.sheet.regions().get(number);
    }

    @Override
    public Prices prices() {
      return prices;
    }

    @Override
    public RegionName from(int key) {
      return world.sheet.regions().get(world.source(key));
    }

    @Override
    public double remoteMs(int key) {
      return world.rttMs(key);
    }

    @Override
    public int payloadBytes(int key, int weightBytes) {
      return payloadBytes[key];
    }

    @Override
    public boolean stores(int key) {
      // A key that is yet to be made cannot be fetched.
      return world.reader[key] != number
          || payloadBytes[key] == 0
          || untilMs[key] > nowMs
          || underWay.get(key);
    }
  }

  private FabricPolicy of(int key) {
    return regions[world.reader[key]];
  }

  private UpdatePolicy.Terms terms(int key) {
    return new UpdatePolicy.Terms(
        world.sheet.regions().get(world.source(key)),
        world.sheet.regions().get(world.reader[key]),
        payloadBytes[key],
        world.rttMs(key));
  }

  @Override
  public boolean hearsOfChanges() {
    return true;
  }

  @Override
  public boolean changed(int key, int bytes, long atMs) {
    nowMs = atMs;
    payloadBytes[key] = bytes;
    untilMs[key] = 0;
    underWay.clear(key);
    of(key).outdated(key);
    keptMs[key] = keeper(key).changed(path(key), terms(key), atMs);
    if (keptMs[key] > 0) {
      underWay.set(key);
    }
    return underWay.get(key);
  }

  @Override
  public void sent(int key, long atMs) {
    underWay.clear(key);
    of(key).overtaken(key);
    untilMs[key] = atMs + keptMs[key];
  }

  @Override
  public void wroteHere(int row, long atMs) {
    int key = world.trace.key()[row];
    payloadBytes[key] = world.payloadBytes[row];
    untilMs[key] = atMs + keeper(key).changedHere(path(key), terms(key), atMs);
    keptMs[key] = 0;
    of(key).arrived(row);
  }

  private CopyKeeper keeper(int key) {
    return keepers[world.reader[key]];
  }

  private String path(int key) {
    return world.trace.keys().get(key);
  }

  @Override
  public boolean read(int row, long atMs) {
    nowMs = atMs;
    int key = world.trace.key()[row];
    double forMs = keeper(key).read(path(key), terms(key), of(key).holds(key), atMs);
    boolean coming = underWay.get(key);
    boolean held = of(key).request(row, atMs);
    keptMs[key] = forMs;
    if (held && !coming) {
      untilMs[key] = atMs + forMs;
    }
    return held && !coming;
  }

  @Override
  public void readElsewhere(int row, long atMs) {
    nowMs = atMs;
    regions[world.region[row]].requestAtHome(row, atMs);
  }

  @Override
  public void arrived(int row, long atMs) {
    of(world.trace.key()[row]).arrived(row);
    int key = world.trace.key()[row];
    untilMs[key] = atMs + keptMs[key];
  }

  @Override
  public int takePrefetches(int region, int[] into, long atMs) {
    nowMs = atMs;
    return regions[region].takePrefetches(into, atMs);
  }

  @Override
  public void prefetched(int key, boolean awaited, long atMs) {
    of(key).prefetched(key, awaited, atMs);
    if (awaited) {
      untilMs[key] = atMs + keptMs[key];
    }
  }

  @Override
  public void overtaken(int key, boolean prefetched) {
    of(key).overtaken(key);
  }

  @Override
  public double storedUntilMs(int key) {
    return untilMs[key];
  }
}
