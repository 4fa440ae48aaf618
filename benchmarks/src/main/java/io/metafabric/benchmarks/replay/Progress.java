package io.metafabric.benchmarks.replay;

import java.io.PrintStream;
import java.util.Locale;

/** A bar on a terminal, for runs that take longer than a second. */
public final class Progress {
  private static final int WIDTH = 30;
  private static final long FIRST_NANOS = 1_000_000_000;
  private static final long EVERY_NANOS = 200_000_000;
  static final int LOOK_EVERY = 1 << 13;

  private final PrintStream out;
  private String what = "";
  private long startedNanos;
  private long shownNanos;
  private boolean shown;

  /**
   * @param out null to show nothing
   */
  public Progress(PrintStream out) {
    this.out = out;
  }

  void begin(String name) {
    what = name;
    startedNanos = System.nanoTime();
    shownNanos = startedNanos;
  }

  void at(long done, long all) {
    long now = System.nanoTime();
    if (out == null || now - startedNanos < FIRST_NANOS || now - shownNanos < EVERY_NANOS) {
      return;
    }
    shownNanos = now;
    shown = true;
    int filled = (int) (WIDTH * done / Math.max(1, all));
    out.printf(
        Locale.ROOT,
        "\r%-50s [%s%s] %3d %%",
        what,
        "=".repeat(filled),
        " ".repeat(WIDTH - filled),
        100 * done / Math.max(1, all));
    out.flush();
  }

  void end() {
    if (shown) {
      out.print("\r" + " ".repeat(60 + WIDTH) + "\r");
      shown = false;
    }
  }
}
