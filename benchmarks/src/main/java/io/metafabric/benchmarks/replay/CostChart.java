package io.metafabric.benchmarks.replay;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.block.BlockBorder;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/**
 * Dollars against waiting: a chart for each trace, a line in it for each policy, a point on that
 * for each value of a millisecond. Who does not look at that value has one point.
 */
final class CostChart {
  private static final int WIDTH = 720;

  /** Of an axis that has no zero: what is less is drawn there. */
  private static final double LEAST_MS = 0.001;

  private static final double LEAST_MILLI_DOLLARS = 1e-6;
  private static final float LINE_WIDTH = 2;

  private CostChart() {}

  /**
   * @param file with several charts, their trace and prices are put before its ending
   * @throws IOException if one cannot be written
   */
  static void write(List<CostResult> results, Path file) throws IOException {
    var charts = new LinkedHashMap<String, List<CostResult>>();
    for (CostResult each : results) {
      charts.computeIfAbsent(setting(each), absent -> new ArrayList<>()).add(each);
    }
    for (Map.Entry<String, List<CostResult>> each : charts.entrySet()) {
      Path target = charts.size() == 1 ? file : named(file, each.getKey());
      MissChart.write(chart(each.getValue()), target, WIDTH);
    }
  }

  private static String setting(CostResult result) {
    Path prices = Path.of(result.prices()).getFileName();
    return result.trace()
        + "-"
        + (prices == null ? "" : prices)
        + "-"
        + Results.plain(result.capacityPercent())
        + "-percent";
  }

  private static Path named(Path file, String setting) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return file.resolveSibling(name.substring(0, dot) + "-" + setting + name.substring(dot));
  }

  private static JFreeChart chart(List<CostResult> results) {
    CostResult first = results.get(0);
    var lines = new LinkedHashMap<String, XYSeries>();
    for (CostResult each : results) {
      double waitMs = each.reads() == 0 ? 0 : each.stallMs() / each.reads();
      lines
          .computeIfAbsent(each.policy(), name -> new XYSeries(name, false, true))
          .add(Math.max(LEAST_MS, waitMs), Math.max(LEAST_MILLI_DOLLARS, each.dollars() * 1e3));
    }
    var data = new XYSeriesCollection();
    lines.values().forEach(data::addSeries);
    JFreeChart chart =
        ChartFactory.createXYLineChart(
            first.trace() + ", prices of " + first.prices(),
            "mean wait of a read, ms",
            "milli-dollars",
            data,
            PlotOrientation.VERTICAL,
            true,
            false,
            false);
    MissChart.theme().apply(chart);
    chart.setBackgroundPaint(Color.WHITE);
    chart.getLegend().setFrame(BlockBorder.NONE);
    style(chart.getXYPlot(), data.getSeriesCount());
    return chart;
  }

  private static void style(XYPlot plot, int lines) {
    plot.setBackgroundPaint(Color.WHITE);
    plot.setRangeGridlinePaint(Color.LIGHT_GRAY);
    plot.setDomainGridlinePaint(Color.LIGHT_GRAY);
    plot.setOutlineVisible(false);
    plot.setDomainAxis(logarithmic(plot.getDomainAxis().getLabel()));
    plot.setRangeAxis(logarithmic(plot.getRangeAxis().getLabel()));
    var renderer = new XYLineAndShapeRenderer(true, true);
    for (int i = 0; i < lines; i++) {
      renderer.setSeriesPaint(i, MissChart.COLORS[i % MissChart.COLORS.length]);
      renderer.setSeriesStroke(i, new BasicStroke(LINE_WIDTH));
    }
    plot.setRenderer(renderer);
  }

  private static LogAxis logarithmic(String label) {
    var axis = new LogAxis(label);
    axis.setNumberFormatOverride(
        new DecimalFormat("0.###", DecimalFormatSymbols.getInstance(Locale.ROOT)));
    return axis;
  }
}
