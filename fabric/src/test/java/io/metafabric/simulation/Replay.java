package io.metafabric.simulation;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Tells people how to see a failure again. */
final class Replay {
  private Replay() {}

  static String hint(long seed) {
    return "seed "
        + seed
        + " of commit "
        + commit()
        + "; to see it again, with all that happens in a file:\n  mvn -q -B -pl fabric -am test"
        + " -Dsurefire.failIfNoSpecifiedTests=false -Dtest=SimulationTest -Dsim.seed="
        + seed
        + " -Dsim.trace=/tmp/trace.txt\n  with -Dsim.shrink=true the plan is cut down first\n";
  }

  private static String commit() {
    try {
      Process git =
          new ProcessBuilder("git", "describe", "--always", "--abbrev=40", "--dirty")
              .redirectErrorStream(true)
              .start();
      String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0 ? said.strip() : "unknown";
    } catch (IOException e) {
      return "unknown";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "unknown";
    }
  }
}
