package io.metafabric.benchmarks.replay;

import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Misses as bars: a group for each trace, a bar in it for each policy. */
final class MissChart {
  static final String SVG = ".svg";
  static final String PNG = ".png";

  private static final int HEIGHT = 480;
  private static final int LEAST_WIDTH = 640;
  private static final int WIDTH_PER_BAR = 18;

  /** Those of Okabe and Ito, which everybody can tell apart, and a grey. */
  private static final Color[] COLORS = {
    new Color(0x0072B2),
    new Color(0x56B4E9),
    new Color(0xE69F00),
    new Color(0x009E73),
    new Color(0xD55E00),
    new Color(0xCC79A7),
    new Color(0xF0E442),
    new Color(0x000000),
    new Color(0x999999)
  };

  private MissChart() {}

  /** What the bars of one chart have in common. */
  private record Setting(double capacityPercent, int latencyMs) {
    static Setting of(RunResult result) {
      return new Setting(result.capacityPercent(), result.latencyMs());
    }

    String title() {
      return "Misses at " + Results.plain(capacityPercent) + " % capacity, " + latencyMs + " ms";
    }

    Path of(Path file) {
      String name = file.getFileName().toString();
      int dot = name.lastIndexOf('.');
      String setting = "-" + Results.plain(capacityPercent) + "-percent-" + latencyMs + "-ms";
      return file.resolveSibling(name.substring(0, dot) + setting + name.substring(dot));
    }
  }

  /**
   * Draws a chart for each capacity and latency among the results.
   *
   * @param file that ends with {@value #SVG} or {@value #PNG}; with several charts their setting is
   *     put before that
   * @throws IOException if one cannot be written
   */
  static void write(List<RunResult> results, Path file) throws IOException {
    var charts = new LinkedHashMap<Setting, List<RunResult>>();
    for (RunResult each : results) {
      charts.computeIfAbsent(Setting.of(each), setting -> new ArrayList<>()).add(each);
    }
    for (Map.Entry<Setting, List<RunResult>> each : charts.entrySet()) {
      Setting setting = each.getKey();
      Path target = charts.size() == 1 ? file : setting.of(file);
      try (OutputStream out = Files.newOutputStream(target)) {
        write(chart(setting, each.getValue()), target, out);
      }
    }
  }

  private static void write(CategoryChart chart, Path target, OutputStream out) throws IOException {
    if (target.toString().endsWith(SVG)) {
      VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
    } else {
      BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG);
    }
  }

  private static CategoryChart chart(Setting setting, List<RunResult> results) {
    List<String> traces = results.stream().map(RunResult::trace).distinct().toList();
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(Math.max(LEAST_WIDTH, WIDTH_PER_BAR * results.size()))
            .height(HEIGHT)
            .title(setting.title())
            .yAxisTitle("misses, %")
            .build();
    style(chart.getStyler());
    for (String policy : results.stream().map(RunResult::policy).distinct().toList()) {
      chart.addSeries(
          policy, traces, traces.stream().map(each -> misses(results, each, policy)).toList());
    }
    return chart;
  }

  private static double misses(List<RunResult> results, String trace, String policy) {
    return results.stream()
        .filter(each -> each.trace().equals(trace) && each.policy().equals(policy))
        .mapToDouble(RunResult::missPercent)
        .findFirst()
        .orElse(0);
  }

  private static void style(CategoryStyler styler) {
    styler.setLocale(Locale.ROOT);
    styler.setAvailableSpaceFill(0.85);
    styler.setYAxisMin(0.0);
    styler.setPlotGridVerticalLinesVisible(false);
    styler.setSeriesColors(COLORS);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setLegendPosition(LegendPosition.OutsideS);
    styler.setLegendLayout(LegendLayout.Horizontal);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 11));
  }
}
