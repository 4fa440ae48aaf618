package io.metafabric.museum;

import java.lang.reflect.Method;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Simulated runs of whole fabrics, of those that {@code SimulationTest} makes in the build.
 *
 * @param known a seed that has caught the bug; if it does no more, because a change of the product
 *     makes another run of it, others are tried
 * @param others how many: the first of them all
 */
record Seeds(long known, int others) implements Catcher {
  private static final int ENOUGH = 60;

  Seeds(long known) {
    this(known, ENOUGH);
  }

  @Override
  public @Nullable Throwable run(ClassLoader classes) throws Exception {
    Method failureOf =
        classes
            .loadClass("io.metafabric.simulation.SimulationMain")
            .getMethod("failureOf", long.class);
    var all = LongStream.concat(LongStream.of(known), LongStream.rangeClosed(1, others));
    for (long seed : all.distinct().toArray()) {
      if (failureOf.invoke(null, seed) instanceof AssertionError caught) {
        if (seed != known) {
          System.out.println("seed " + known + " missed a bug that seed " + seed + " catches");
        }
        return caught;
      }
    }
    return null;
  }

  @Override
  public Catcher alone() {
    return new Seeds(known, 0);
  }

  @Override
  public String inTheGuide() {
    return "simulation";
  }
}
