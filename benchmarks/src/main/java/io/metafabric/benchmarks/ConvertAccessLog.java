package io.metafabric.benchmarks;

import io.metafabric.benchmarks.replay.AccessLogConverter;
import io.metafabric.benchmarks.replay.ReplayException;
import java.io.IOException;

/**
 * Makes a trace for {@link Replay} of a web server's access log in the common or the combined
 * format. docs/EVALUATION.md tells how to use it.
 */
public final class ConvertAccessLog {
  private static final int FAILED = 1;
  private static final int BAD_USAGE = 2;

  private ConvertAccessLog() {}

  public static void main(String... arguments) {
    try {
      AccessLogConverter.run(System.out, System.err, arguments);
    } catch (ReplayException e) {
      System.err.println(e.getMessage());
      System.err.print(AccessLogConverter.USAGE);
      System.exit(BAD_USAGE);
    } catch (IOException e) {
      System.err.println("cannot write the trace: " + e);
      System.exit(FAILED);
    }
  }
}
