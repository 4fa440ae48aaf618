package io.metafabric.simulation;

import io.metafabric.replicate.DeltaStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One seed, run once: what became of it, and what it took. */
final class SeedRun {
  private final long seed;
  private final Simulation run;
  private @Nullable AssertionError failure;

  SeedRun(long seed) {
    this.seed = seed;
    this.run = Simulation.of(seed);
  }

  /**
   * @param trace null, or where everything that happens is written
   */
  void go(@Nullable Path trace) {
    try (PrintWriter writer = trace == null ? null : open(trace)) {
      if (writer != null) {
        run.traceTo(writer);
      }
      run.go();
    } catch (RuntimeException | Error e) {
      failure = new AssertionError(e.getMessage(), e);
    }
  }

  private static PrintWriter open(Path trace) {
    try {
      return new PrintWriter(Files.newBufferedWriter(trace, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the trace to " + trace, e);
    }
  }

  long seed() {
    return seed;
  }

  /** Of all that happened: equal for equal runs. */
  long hash() {
    return run.world().traceHash();
  }

  /** Null if every invariant held. */
  @Nullable AssertionError failure() {
    return failure;
  }

  int operations() {
    return run.operations();
  }

  /** Payloads that were told by earlier ones, as far as regions that are up have counted them. */
  long deltas() {
    return run.deltas(DeltaStats::received);
  }

  /** Of those, what was told by what was not there. */
  long missingBases() {
    return run.deltas(DeltaStats::basesMissing);
  }

  /** Whether regions differ at the end in siblings that some disk has lost. */
  boolean siblingsDiffer() {
    return run.siblingsDiffer();
  }

  Duration simulated() {
    return Duration.ofNanos(run.world().nanoTime());
  }
}
