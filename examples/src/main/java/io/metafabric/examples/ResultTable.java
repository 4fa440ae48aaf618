package io.metafabric.examples;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Prints what two replays of the same requests came to, side by side. */
final class ResultTable {
  private final PrintStream out;

  ResultTable(PrintStream out) {
    this.out = out;
  }

  void print(Map<String, RegionResult> off, Map<String, RegionResult> on) {
    var offAll = new LinkedHashMap<>(off);
    var onAll = new LinkedHashMap<>(on);
    offAll.put("total", off.values().stream().reduce(RegionResult::plus).orElseThrow());
    onAll.put("total", on.values().stream().reduce(RegionResult::plus).orElseThrow());
    offAll.forEach(
        (name, without) -> {
          RegionResult with = onAll.get(name);
          if (with != null) {
            print(name, without, with);
          }
        });
    out.print(
        """

        hot hits: in memory; prefetched hits: the first read of a prefetch that came in time
        remote reads: from another region, also those that waited for a prefetch on its way
        stall time: of all reads that took more than a millisecond; wasted: prefetches never read,
        but for those that were still waiting for a read when the trace ended
        """);
  }

  private void print(String name, RegionResult off, RegionResult on) {
    out.printf(
        Locale.ROOT, "%n%-26s %16s %16s %9s%n", name, "prediction off", "prediction on", "change");
    row("reads", off, on, r -> r.reads());
    row("hot hits", off, on, r -> r.hot());
    row("prefetched hits", off, on, r -> r.prefetched());
    row("warm hits", off, on, r -> r.warm());
    row("remote reads", off, on, r -> r.remote());
    row("origin reads", off, on, r -> r.origin());
    row("mean read, ms", off, on, r -> r.readNanos().getMean() / 1e6);
    // The fiftieth percentile is a hit in memory in both runs: its change is noise.
    row("p50 read, us", off, on, r -> r.readNanos().getValueAtPercentile(50) / 1e3, false);
    row("p99 read, ms", off, on, r -> r.readNanos().getValueAtPercentile(99) / 1e6);
    row("stall time, s", off, on, r -> r.stallNanos() / 1e9);
    row("wide-area KiB", off, on, r -> r.wideAreaBytes() / 1024.0);
    row("prefetches made", off, on, r -> r.made());
    row("  read in time", off, on, r -> r.prefetched());
    row("  waited for", off, on, r -> Math.max(0, r.used() - r.prefetched()));
    row("  wasted", off, on, r -> r.wasted());
  }

  private void row(
      String what, RegionResult off, RegionResult on, ToDoubleFunction<RegionResult> figure) {
    row(what, off, on, figure, true);
  }

  private void row(
      String what,
      RegionResult off,
      RegionResult on,
      ToDoubleFunction<RegionResult> figure,
      boolean withChange) {
    double before = figure.applyAsDouble(off);
    double after = figure.applyAsDouble(on);
    String change =
        before == 0 || !withChange
            ? ""
            : String.format(Locale.ROOT, "%+.1f %%", 100 * (after - before) / before);
    out.printf(Locale.ROOT, "  %-24s %16s %16s %9s%n", what, number(before), number(after), change);
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%,.0f", value)
        : String.format(Locale.ROOT, "%,.3f", value);
  }
}
