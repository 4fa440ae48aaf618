package io.metafabric.core.sim;

import java.util.stream.LongStream;

/**
 * The seeds of simulated runs: few in the build; {@code -Dsim.seeds} says how many elsewhere,
 * {@code -Dsim.firstSeed} where they begin, {@code -Dsim.seed} is one alone. The same for all tests
 * that take them, so that a seed in the name of a test that failed can be run alone.
 */
public final class SimSeeds {
  private SimSeeds() {}

  public static LongStream some() {
    return from(1, 20);
  }

  /** For longer runs; other ones than {@link #some}. */
  public static LongStream few() {
    return from(101, 10);
  }

  /** Of a whole fabric, of which no single run tells much. */
  public static LongStream many() {
    return from(1, 200);
  }

  private static LongStream from(long first, int count) {
    Long alone = Long.getLong("sim.seed");
    if (alone != null) {
      return LongStream.of(alone);
    }
    long begin = Long.getLong("sim.firstSeed", first);
    return LongStream.range(begin, begin + Integer.getInteger("sim.seeds", count));
  }
}
