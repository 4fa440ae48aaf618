package io.metafabric.benchmarks.replay;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** All combinations of what was asked for, one replay after the other. */
public final class ReplayRun {
  private ReplayRun() {}

  /**
   * Replays, or prices, what was asked for.
   *
   * @throws ReplayException if a trace or a price file cannot be used
   * @throws IOException if the results or the chart cannot be written
   */
  public static void runAny(ReplayOptions options, PrintStream out, PrintStream log)
      throws IOException {
    if (options.prices().isEmpty()) {
      run(options, out, log);
    } else {
      CostRun.run(options, out, log);
    }
  }

  /**
   * @param out gets the table
   * @param log gets reports of broken rows, and the progress
   * @throws ReplayException if a trace cannot be used, or what is asked for cannot be written
   * @throws IOException if that cannot be written in the end
   */
  public static List<RunResult> run(ReplayOptions options, PrintStream out, PrintStream log)
      throws IOException {
    options.requireWritable();
    var progress = Progress.on(log);
    var results = new ArrayList<RunResult>();
    for (Path file : options.traces()) {
      Trace trace = read(file, options, log);
      for (double percent : options.capacityPercents()) {
        if (trace.capacity(percent) < leastCapacity(options)) {
          log.println(
              Results.plain(percent)
                  + " % of the keys of "
                  + file
                  + " are fewer than "
                  + leastCapacity(options)
                  + ", the least that the fabric's hot tier has room for: all policies get so many");
        }
        for (int latencyMs : options.latenciesMs()) {
          long predictorBytes = 0;
          for (String policy : options.policies()) {
            RunResult result =
                Replayer.run(
                    trace,
                    policy,
                    percent,
                    capacity(options, trace, percent, policy, predictorBytes),
                    latencyMs,
                    options.regions(),
                    options.puts(),
                    options.seed(),
                    progress);
            results.add(result);
            if (Policies.isPredictingFabric(policy)) {
              predictorBytes = result.predictorBytes() / options.regions();
            }
          }
        }
      }
    }
    out.print(Results.table(results));
    if (options.json().isPresent()) {
      Files.writeString(options.json().get(), Results.json(results));
    }
    if (options.chart().isPresent()) {
      MissChart.write(results, options.chart().get());
    }
    return results;
  }

  /** The same for all that are compared. */
  private static int leastCapacity(ReplayOptions options) {
    return options.policies().stream().anyMatch(Policies::isFabric)
        ? FabricPolicy.LEAST_ENTRIES
        : 1;
  }

  /** A trace, having told of its broken rows. */
  static Trace read(Path file, ReplayOptions options, PrintStream log) {
    Trace trace = TraceReader.read(file, options.brokenRows());
    if (trace.brokenRows() > 0) {
      log.println(trace.brokenRows() + " broken rows of " + file + " were skipped:");
      trace.broken().forEach(each -> log.println("  " + each));
    }
    return trace;
  }

  /**
   * @param predictorBytes of the last policy that predicts, in each region
   */
  private static int capacity(
      ReplayOptions options, Trace trace, double percent, String policy, long predictorBytes) {
    int capacity = Math.max(trace.capacity(percent), leastCapacity(options));
    if (options.chargeMemory().isEmpty() || Policies.predicts(policy)) {
      return capacity;
    }
    int valueBytes = options.chargeMemory().getAsInt();
    return capacity + (int) (predictorBytes / FabricPolicy.entryBytes(trace, valueBytes));
  }
}
