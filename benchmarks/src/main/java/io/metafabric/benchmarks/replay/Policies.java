package io.metafabric.benchmarks.replay;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.predict.Source;
import java.util.Arrays;
import java.util.HashSet;
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

  /** Of all policies the only one that has to know who asks for what, and when. */
  static final String BELADY = "belady";

  private static final String FABRIC = "fabric";
  private static final String NO_PREDICTION = "fabric-no-prediction";
  private static final String SHARED_MODEL = "fabric-shared-model";
  private static final String MITHRIL = "mithril";
  private static final String TRAINED = "fabric-trained";

  private Policies() {}

  /**
   * Fails unless there is a policy of this name, alone or, for those of the fabric that predict,
   * with prediction sources, each once: {@code fabric:client+popularity}.
   */
  static void require(String name) {
    String plain = plain(name);
    if (!NAMES.contains(plain) || (!plain.equals(name) && !isPredictingFabric(name))) {
      throw new ReplayException("there is no policy \"" + name + "\"");
    }
    try {
      List<Source> sources = sources(name);
      if (new HashSet<>(sources).size() < sources.size()) {
        throw new ReplayException("policy \"" + name + "\" names a prediction source twice");
      }
    } catch (ConfigurationException e) {
      throw new ReplayException("policy \"" + name + "\": " + e.getMessage());
    }
  }

  /** Whether a policy has memory of its own for what it predicts. */
  static boolean predicts(String name) {
    return isPredictingFabric(name) || name.equals(MITHRIL);
  }

  static boolean isPredictingFabric(String name) {
    String plain = plain(name);
    return plain.equals(FABRIC) || plain.equals(SHARED_MODEL) || plain.equals(TRAINED);
  }

  /** Whether a policy is a fabric, which predicts or does not. */
  static boolean isFabric(String name) {
    return isPredictingFabric(name) || name.equals(NO_PREDICTION);
  }

  private static String plain(String name) {
    int colon = name.indexOf(':');
    return colon < 0 ? name : name.substring(0, colon);
  }

  private static List<Source> sources(String name) {
    int colon = name.indexOf(':');
    return colon < 0
        ? Source.DEFAULT
        : Arrays.stream(name.substring(colon + 1).split("\\+", -1)).map(Source::of).toList();
  }

  /** The policy of one region; not {@link #BELADY}. */
  static ReplayPolicy create(String name, Trace trace, int capacity, int latencyMs, long seed) {
    String plain = plain(name);
    return switch (plain) {
      case FABRIC, NO_PREDICTION, SHARED_MODEL, TRAINED ->
          new FabricPolicy(
              trace,
              capacity,
              latencyMs,
              seed,
              isPredictingFabric(name),
              plain.equals(SHARED_MODEL),
              plain.equals(TRAINED),
              sources(name));
      case "caffeine" -> new CaffeinePolicy(trace, capacity);
      case "lru" -> new LruPolicy(trace, capacity);
      case "s3fifo" -> new S3FifoPolicy(trace, capacity);
      case MITHRIL -> new MithrilPolicy(trace, capacity);
      default -> throw new ReplayException("there is no policy \"" + name + "\"");
    };
  }
}
