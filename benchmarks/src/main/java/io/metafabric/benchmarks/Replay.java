package io.metafabric.benchmarks;

import io.metafabric.benchmarks.replay.ReplayException;
import io.metafabric.benchmarks.replay.ReplayOptions;
import io.metafabric.benchmarks.replay.ReplayRun;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Replays traces of accesses through the fabric's own classes and through well-known policies, and
 * says what each would have missed, fetched and waited. docs/EVALUATION.md tells how to use it.
 */
public final class Replay {
  private static final int BAD_USAGE = 2;

  private Replay() {}

  public static void main(String... arguments) throws IOException {
    // Charts are drawn into files: whether there is a screen makes no difference.
    System.setProperty("java.awt.headless", "true");
    try {
      ReplayRun.runAny(ReplayOptions.parse(arguments), System.out, System.err);
    } catch (ReplayException | UncheckedIOException e) {
      System.err.println(e.getMessage());
      System.err.print(ReplayOptions.USAGE);
      System.exit(BAD_USAGE);
    }
  }
}
