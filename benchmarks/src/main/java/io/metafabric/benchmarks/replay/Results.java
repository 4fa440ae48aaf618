package io.metafabric.benchmarks.replay;

import io.metafabric.predict.RankingStats;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Results as a table for people and as JSON for programs. */
public final class Results {
  private static final String ROW =
      "%-18s %-22s %5s %9s %7s %3s %10s %7s %10s %10s %6s %8s %8s %9s %9s%n";

  private Results() {}

  public static String table(List<RunResult> results) {
    var text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            ROW,
            "trace",
            "policy",
            "cap%",
            "capacity",
            "latency",
            "reg",
            "requests",
            "miss%",
            "demand",
            "prefetches",
            "used%",
            "stall ms",
            "p99 ms",
            "WAN MB",
            "events/s"));
    for (RunResult each : results) {
      text.append(
          String.format(
              Locale.ROOT,
              ROW,
              each.trace(),
              each.policy(),
              plain(each.capacityPercent()),
              each.capacity(),
              each.latencyMs(),
              each.regions(),
              each.requests(),
              String.format(Locale.ROOT, "%.2f", each.missPercent()),
              each.demandFetches(),
              each.prefetches(),
              each.prefetches() == 0
                  ? "-"
                  : String.format(
                      Locale.ROOT, "%.0f", 100.0 * each.prefetchesUsed() / each.prefetches()),
              String.format(Locale.ROOT, "%.2f", each.stallMsMean()),
              String.format(Locale.ROOT, "%.1f", each.stallMsP99()),
              String.format(Locale.ROOT, "%.1f", each.wideAreaBytes() / 1e6),
              each.eventsPerSecond()));
    }
    return text.toString();
  }

  static String plain(double number) {
    return number == Math.rint(number)
        ? Long.toString((long) number)
        : String.format(Locale.ROOT, "%s", number);
  }

  public static String json(List<RunResult> results) {
    var text = new StringBuilder("[");
    String between = "\n";
    for (RunResult each : results) {
      text.append(between).append("  {");
      text.append("\"trace\": ").append(quoted(each.trace()));
      text.append(", \"policy\": ").append(quoted(each.policy()));
      field(text, "capacityPercent", plain(each.capacityPercent()));
      field(text, "capacity", each.capacity());
      field(text, "latencyMs", each.latencyMs());
      field(text, "regions", each.regions());
      field(text, "requests", each.requests());
      field(text, "misses", each.misses());
      field(text, "missPercent", String.format(Locale.ROOT, "%.4f", each.missPercent()));
      field(text, "demandFetches", each.demandFetches());
      field(text, "prefetches", each.prefetches());
      field(text, "prefetchesUsed", each.prefetchesUsed());
      field(text, "prefetchesWasted", each.prefetchesWasted());
      field(text, "stallMsMean", String.format(Locale.ROOT, "%.4f", each.stallMsMean()));
      field(text, "stallMsP99", String.format(Locale.ROOT, "%.4f", each.stallMsP99()));
      field(text, "wideAreaBytes", each.wideAreaBytes());
      field(text, "predictorBytes", each.predictorBytes());
      field(text, "reliability", reliability(each.ranking()));
      field(text, "eventsPerSecond", each.eventsPerSecond());
      text.append("}");
      between = ",\n";
    }
    return text.append("\n]\n").toString();
  }

  static void field(StringBuilder text, String name, Object number) {
    text.append(", \"").append(name).append("\": ").append(number);
  }

  private static String reliability(List<RankingStats> all) {
    return all.stream()
        .map(
            each ->
                String.format(
                    Locale.ROOT,
                    "{\"predictor\": %s, \"model\": %s, \"trainings\": %d, \"taken\": %d,"
                        + " \"outcomes\": %d, \"brier\": %.5f, \"bins\": [%s]}",
                    quoted(each.predictor()),
                    quoted(each.model()),
                    each.trainings(),
                    each.taken(),
                    each.outcomes(),
                    each.brierScore(),
                    each.bins().stream().map(Results::bin).collect(Collectors.joining(", "))))
        .collect(Collectors.joining(", ", "[", "]"));
  }

  private static String bin(RankingStats.Bin bin) {
    return String.format(
        Locale.ROOT,
        "{\"from\": %.1f, \"said\": %.4f, \"cameTrue\": %.4f, \"count\": %d}",
        bin.from(),
        bin.meanSaid(),
        bin.shareThatCameTrue(),
        bin.count());
  }

  static String quoted(String value) {
    var text = new StringBuilder("\"");
    for (char c : value.toCharArray()) {
      if (c == '"' || c == '\\') {
        text.append('\\').append(c);
      } else if (c < 0x20) {
        text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        text.append(c);
      }
    }
    return text.append('"').toString();
  }
}
