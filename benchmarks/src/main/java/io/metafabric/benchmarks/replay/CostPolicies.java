package io.metafabric.benchmarks.replay;

import java.util.List;

/** What is compared in dollars, by its names on the command line. */
final class CostPolicies {
  static final String NONE = "no-replication";
  static final String FULL = "full-replication";
  static final String CACHING = "plain-caching";
  static final String FABRIC = "fabric";
  static final String ORACLE = "oracle";

  static final List<String> NAMES = List.of(NONE, FULL, CACHING, FABRIC, ORACLE);

  private CostPolicies() {}

  /**
   * Replays a world through one policy.
   *
   * @param savedMs what a millisecond is worth, in micro-dollars
   */
  static CostResult run(
      CostWorld world,
      String policy,
      double savedMs,
      double capacityPercent,
      long seed,
      Progress progress) {
    int capacity = world.trace.capacity(capacityPercent);
    progress.begin(world.trace.name() + " " + policy + " " + savedMs);
    CostMeter meter =
        policy.equals(ORACLE)
            ? new CostOracle(world).run()
            : new CostReplay(world, create(policy, world, capacity, savedMs, seed)).run(progress);
    progress.end();
    return meter.result(world, policy, savedMs, capacityPercent, capacity);
  }

  private static CostPolicy create(
      String policy, CostWorld world, int capacity, double savedMs, long seed) {
    return switch (policy) {
      case NONE -> new NoReplication();
      case FULL -> new FullReplication(world);
      case CACHING -> new PlainCaching(world, caches(world, capacity));
      case FABRIC -> new FabricCosts(world, capacity, savedMs, seed);
      default -> throw new ReplayException("there is no policy \"" + policy + "\"");
    };
  }

  private static ReplayPolicy[] caches(CostWorld world, int capacity) {
    var caches = new ReplayPolicy[world.sheet.regions().size()];
    for (int i = 0; i < caches.length; i++) {
      caches[i] = new CaffeinePolicy(world.trace, capacity);
    }
    return caches;
  }
}
