package io.metafabric.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The demo's command line.
 *
 * @param trace null for the bundled one
 * @param share of the trace's clients that are replayed
 * @param clients that run at a time in each region
 */
record ThreeRegionsOptions(
    @Nullable Path trace,
    double share,
    int clients,
    boolean singleJvm,
    long hotTierBytes,
    boolean help) {
  static final String USAGE =
      """
      usage: java -jar three-regions.jar [--trace FILE] [--share F] [--clients N]
                                         [--hot-tier-bytes N] [--single-jvm] [--help]
        --trace FILE        gzip CSV: timestamp_ms,client,key,op(get|put),size,region
                            (default: the bundled trace of three builds)
        --share F           share of the trace's clients to replay, 0 to 1 (default 0.2)
        --clients N         clients that run at a time in each region (default 8)
        --hot-tier-bytes N  memory for copies in each region (default 196608)
        --single-jvm        all three regions in this JVM, for a debugger
      """;

  /**
   * @throws IllegalArgumentException with what is wrong
   */
  static ThreeRegionsOptions parse(String... args) {
    Path trace = null;
    double share = 0.2;
    int clients = 8;
    boolean singleJvm = false;
    long hotTierBytes = 192 << 10;
    boolean help = false;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--trace" -> trace = Path.of(value(args, ++i));
        case "--share" -> share = number(args, ++i);
        case "--clients" -> clients = (int) number(args, ++i);
        case "--hot-tier-bytes" -> hotTierBytes = (long) number(args, ++i);
        case "--single-jvm" -> singleJvm = true;
        case "--help" -> help = true;
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("--share must be above 0 and at most 1, was " + share);
    }
    if (clients < 1 || clients > 1000) {
      throw new IllegalArgumentException("--clients must be 1 to 1000, was " + clients);
    }
    if (trace != null && !Files.isReadable(trace)) {
      throw new IllegalArgumentException("there is no readable trace " + trace);
    }
    return new ThreeRegionsOptions(trace, share, clients, singleJvm, hotTierBytes, help);
  }

  private static String value(String[] args, int i) {
    if (i >= args.length) {
      throw new IllegalArgumentException(args[i - 1] + " needs a value");
    }
    return args[i];
  }

  private static double number(String[] args, int i) {
    try {
      return Double.parseDouble(value(args, i));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(args[i - 1] + " needs a number, was " + args[i], e);
    }
  }
}
