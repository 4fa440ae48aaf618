package io.metafabric.simulation;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** In a process of its own: prints for each seed the hash of all that happened in it. */
public final class SimulationMain {
  private SimulationMain() {}

  /** Runs a seed; null if every invariant held. */
  public static @Nullable AssertionError failureOf(long seed) {
    var run = new SeedRun(seed);
    run.go(null);
    return run.failure();
  }

  /**
   * @param args the first seed, and how many; with a file behind them, everything is written there
   */
  public static void main(String[] args) throws IOException {
    long first = Long.parseLong(args[0]);
    long end = first + Long.parseLong(args[1]);
    for (long seed = first; seed < end; seed++) {
      var run = new SeedRun(seed);
      run.go(args.length > 2 ? Path.of(args[2]) : null);
      System.out.println(seed + " " + Long.toHexString(run.hash()));
      if (run.failure() != null) {
        System.out.println("# " + run.failure().getMessage());
      }
    }
  }
}
