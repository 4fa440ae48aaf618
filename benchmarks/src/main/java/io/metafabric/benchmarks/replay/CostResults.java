package io.metafabric.benchmarks.replay;

import java.util.List;
import java.util.Locale;

/** Costs as a table for people and as JSON for programs. */
final class CostResults {
  private static final String ROW =
      "%-18s %-17s %-7s %9s %5s %8s %8s %8s %8s %9s %11s %11s %11s %11s %11s %11s %11s%n";

  private CostResults() {}

  /** Amounts in milli-dollars, beyond what all policies pay alike. */
  static String table(List<CostResult> results) {
    var text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            ROW,
            "trace",
            "policy",
            "prices",
            "u$/ms",
            "cap%",
            "remote",
            "stalled",
            "fetches",
            "copies",
            "WAN MB",
            "transfer m$",
            "headers m$",
            "storage m$",
            "requests m$",
            "stall s",
            "stall m$",
            "total m$"));
    for (CostResult each : results) {
      text.append(
          String.format(
              Locale.ROOT,
              ROW,
              each.trace(),
              each.policy(),
              each.prices(),
              Results.plain(each.savedMs()),
              Results.plain(each.capacityPercent()),
              each.remoteReads(),
              each.stalled(),
              each.fetches(),
              each.copies(),
              String.format(Locale.ROOT, "%.2f", each.wideAreaBytes() / 1e6),
              milli(each.transferDollars()),
              milli(each.headerDollars()),
              milli(each.storageDollars()),
              milli(each.requestDollars()),
              String.format(Locale.ROOT, "%.1f", each.stallMs() / 1e3),
              milli(each.stallDollars()),
              milli(each.totalDollars())));
    }
    return text.toString();
  }

  private static String milli(double dollars) {
    return String.format(Locale.ROOT, "%.6f", dollars * 1e3);
  }

  static String json(List<CostResult> results) {
    var text = new StringBuilder("[");
    String between = "\n";
    for (CostResult each : results) {
      text.append(between).append("  {");
      text.append("\"trace\": ").append(Results.quoted(each.trace()));
      text.append(", \"policy\": ").append(Results.quoted(each.policy()));
      text.append(", \"prices\": ").append(Results.quoted(each.prices()));
      Results.field(text, "savedMsMicroDollars", each.savedMs());
      Results.field(text, "capacityPercent", Results.plain(each.capacityPercent()));
      Results.field(text, "capacity", each.capacity());
      Results.field(text, "reads", each.reads());
      Results.field(text, "remoteReads", each.remoteReads());
      Results.field(text, "stalled", each.stalled());
      Results.field(text, "fetches", each.fetches());
      Results.field(text, "copies", each.copies());
      Results.field(text, "wideAreaBytes", each.wideAreaBytes());
      Results.field(text, "transferDollars", each.transferDollars());
      Results.field(text, "headerDollars", each.headerDollars());
      Results.field(text, "storageDollars", each.storageDollars());
      Results.field(text, "requestDollars", each.requestDollars());
      Results.field(text, "dollars", each.dollars());
      Results.field(text, "stallMs", each.stallMs());
      Results.field(text, "stallDollars", each.stallDollars());
      Results.field(text, "totalDollars", each.totalDollars());
      Results.field(text, "sameBytes", each.sameBytes());
      Results.field(text, "sameDollars", each.sameDollars());
      Results.field(text, "clippedRows", each.clipped());
      Results.field(text, "unknownSizes", each.unknown());
      text.append("}");
      between = ",\n";
    }
    return text.append("\n]\n").toString();
  }
}
