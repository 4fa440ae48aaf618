package io.metafabric.benchmarks.replay;

import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Rectangle;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGraphics2D;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.ChartUtils;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.StandardChartTheme;
import org.jfree.chart.block.BlockBorder;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.renderer.category.BarRenderer;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.data.category.DefaultCategoryDataset;
import org.w3c.dom.Document;

/** Misses as bars: a group for each trace, a bar in it for each policy. */
final class MissChart {
  static final String SVG = ".svg";
  static final String PNG = ".png";

  private static final int HEIGHT = 480;
  private static final int LEAST_WIDTH = 640;
  private static final int WIDTH_PER_BAR = 18;

  /** Between groups, as a share of the width of all. */
  private static final double GAP = 0.15;

  /** Of a trace's name, as a multiple of its group's. */
  private static final float LABEL_WIDTH = 1.5f;

  /** Those of Okabe and Ito, which everybody can tell apart, and a grey. */
  static final Color[] COLORS = {
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
      return "Misses at "
          + Results.plain(capacityPercent)
          + " % capacity, "
          + latencyMs
          + " ms a fetch";
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
      int width = Math.max(LEAST_WIDTH, WIDTH_PER_BAR * each.getValue().size());
      write(chart(setting, each.getValue()), target, width);
    }
  }

  static void write(JFreeChart chart, Path target, int width) throws IOException {
    if (target.toString().endsWith(PNG)) {
      ChartUtils.saveChartAsPNG(target.toFile(), chart, width, HEIGHT);
      return;
    }
    var graphics = new SVGGraphics2D(emptyDocument());
    graphics.setSVGCanvasSize(new Dimension(width, HEIGHT));
    chart.draw(graphics, new Rectangle(width, HEIGHT));
    try (Writer out = Files.newBufferedWriter(target)) {
      graphics.stream(out);
    }
  }

  private static Document emptyDocument() {
    try {
      return DocumentBuilderFactory.newInstance()
          .newDocumentBuilder()
          .getDOMImplementation()
          .createDocument(SVGGraphics2D.SVG_NAMESPACE_URI, "svg", null);
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException("this JDK has no XML parser", e);
    }
  }

  private static JFreeChart chart(Setting setting, List<RunResult> results) {
    var misses = new DefaultCategoryDataset();
    results.forEach(each -> misses.addValue(each.missPercent(), each.policy(), each.trace()));
    JFreeChart chart = ChartFactory.createBarChart(setting.title(), null, "misses, %", misses);
    theme().apply(chart);
    chart.setBackgroundPaint(Color.WHITE);
    chart.getLegend().setFrame(BlockBorder.NONE);
    CategoryPlot plot = chart.getCategoryPlot();
    plot.setBackgroundPaint(Color.WHITE);
    plot.setRangeGridlinePaint(Color.LIGHT_GRAY);
    plot.setOutlineVisible(false);
    plot.getDomainAxis().setCategoryMargin(GAP);
    plot.getDomainAxis().setMaximumCategoryLabelWidthRatio(LABEL_WIDTH);
    style((BarRenderer) plot.getRenderer(), misses.getRowCount());
    return chart;
  }

  /** Fonts that each system has by these names, since a reader of SVG brings its own. */
  static StandardChartTheme theme() {
    var theme = (StandardChartTheme) StandardChartTheme.createJFreeTheme();
    theme.setExtraLargeFont(new Font(Font.SANS_SERIF, Font.BOLD, 16));
    theme.setLargeFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    theme.setRegularFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    theme.setSmallFont(new Font(Font.SANS_SERIF, Font.PLAIN, 11));
    return theme;
  }

  private static void style(BarRenderer bars, int policies) {
    bars.setBarPainter(new StandardBarPainter());
    bars.setShadowVisible(false);
    bars.setItemMargin(0);
    for (int i = 0; i < policies; i++) {
      bars.setSeriesPaint(i, COLORS[i % COLORS.length]);
    }
  }
}
