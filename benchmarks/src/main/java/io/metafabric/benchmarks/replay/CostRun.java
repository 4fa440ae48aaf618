package io.metafabric.benchmarks.replay;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** All combinations of what was asked for, priced. */
final class CostRun {
  private CostRun() {}

  /**
   * @throws ReplayException if a trace or a price file cannot be used
   * @throws IOException if the results or the chart cannot be written
   */
  static List<CostResult> run(ReplayOptions options, PrintStream out, PrintStream log)
      throws IOException {
    options.requireWritable();
    var progress = Progress.on(log);
    List<PriceSheet> sheets = options.prices().stream().map(PriceFile::read).toList();
    var results = new ArrayList<CostResult>();
    for (Path file : options.traces()) {
      Trace trace = ReplayRun.read(file, options, log);
      for (PriceSheet sheet : sheets) {
        var world = new CostWorld(trace, sheet, options.puts());
        for (double percent : options.capacityPercents()) {
          for (double savedMs : savedMs(options, sheet)) {
            for (String policy : options.policies()) {
              results.add(
                  CostPolicies.run(world, policy, savedMs, percent, options.seed(), progress));
            }
          }
        }
      }
    }
    out.print(CostResults.table(results));
    if (options.json().isPresent()) {
      Files.writeString(options.json().get(), CostResults.json(results));
    }
    if (options.chart().isPresent()) {
      CostChart.write(results, options.chart().get());
    }
    return results;
  }

  private static List<Double> savedMs(ReplayOptions options, PriceSheet sheet) {
    return options.savedMs().isEmpty() ? List.of(sheet.savedMs()) : options.savedMs();
  }
}
