package io.metafabric.core.sim;

import java.util.stream.LongStream;

/**
 * The seeds of simulated runs: few in the build; {@code -Dsim.seeds} says how many elsewhere,
 * {@code -Dsim.firstSeed} where they begin, {@code -Dsim.seed} is one alone. The same for all tests
 * that take them, so that a seed in the name of a test that failed can be run alone.
 */
public final class SimSeeds {
  private static final long EXHAUSTIVE = 301;

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

  /** Of laws, of which one try takes no time. */
  public static LongStream laws() {
    return from(1, 300);
  }

  /** For tests of one situation each. */
  public static LongStream several() {
    return from(201, 5);
  }

  /**
   * For runs that are tried again for each of their steps, which takes as long as thousands of
   * others: a hundredth of them in a longer run.
   */
  public static LongStream exhaustive() {
    long begin = Long.getLong("sim.firstSeed", EXHAUSTIVE);
    int asked = Integer.getInteger("sim.seeds", 0);
    return LongStream.range(begin, begin + (asked == 0 ? 3 : Math.max(1, asked / 100)));
  }

  /**
   * Which of a run's steps are tried: each, but in the build, with all seeds except for the first,
   * every {@code every}th from a place on that depends on the seed.
   */
  public static boolean isTried(long seed, long step, int every) {
    boolean each = seed == EXHAUSTIVE || Integer.getInteger("sim.seeds") != null;
    return each || Math.floorMod(step - seed, every) == 0;
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
