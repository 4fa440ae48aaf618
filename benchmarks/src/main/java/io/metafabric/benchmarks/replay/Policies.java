package io.metafabric.benchmarks.replay;

import java.util.List;

/** The policies by their names on the command line. */
final class Policies {
  static final List<String> NAMES =
      List.of(
          "fabric",
          "fabric-no-prediction",
          "fabric-shared-model",
          "fabric-trained",
          "caffeine",
          "lru",
          "s3fifo",
          "mithril",
          "belady");

  private Policies() {}

  /** The policy of one region. */
  static ReplayPolicy create(String name, Trace trace, int capacity, int latencyMs, long seed) {
    return switch (name) {
      case "fabric" -> new FabricPolicy(trace, capacity, latencyMs, seed, true, false, false);
      case "fabric-no-prediction" ->
          new FabricPolicy(trace, capacity, latencyMs, seed, false, false, false);
      case "fabric-shared-model" ->
          new FabricPolicy(trace, capacity, latencyMs, seed, true, true, false);
      case "fabric-trained" ->
          new FabricPolicy(trace, capacity, latencyMs, seed, true, false, true);
      case "caffeine" -> new CaffeinePolicy(trace, capacity);
      case "lru" -> new LruPolicy(trace, capacity);
      case "s3fifo" -> new S3FifoPolicy(trace, capacity);
      case "mithril" -> new MithrilPolicy(trace, capacity);
      case "belady" -> new BeladyPolicy(trace, capacity);
      default -> throw new ReplayException("there is no policy \"" + name + "\"");
    };
  }
}
