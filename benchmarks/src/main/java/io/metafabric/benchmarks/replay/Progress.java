package io.metafabric.benchmarks.replay;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A bar on a terminal, for runs that take longer than a second; elsewhere a line now and then, for
 * those that take longer than ten.
 */
public final class Progress {
  private static final int WIDTH = 30;
  private static final long FIRST_NANOS = 1_000_000_000;
  private static final long EVERY_NANOS = 200_000_000;
  private static final long LINE_EVERY_NANOS = 10_000_000_000L;
  static final int LOOK_EVERY = 1 << 13;

  private final @Nullable PrintStream out;
  private final boolean isBar;
  private final LongSupplier nanos;
  private String what = "";
  private long startedNanos;
  private long shownNanos;
  private boolean shown;

  /**
   * @param out null to show nothing
   * @param isBar whether it is a terminal, on which a line can be written over
   */
  Progress(@Nullable PrintStream out, boolean isBar, LongSupplier nanos) {
    this.out = out;
    this.isBar = isBar;
    this.nanos = nanos;
  }

  /** Java knows a terminal only where input and output are one both: else lines do no harm. */
  static Progress on(PrintStream log) {
    return new Progress(log, System.console() != null, System::nanoTime);
  }

  static Progress none() {
    return new Progress(null, false, System::nanoTime);
  }

  void begin(String name) {
    what = name;
    startedNanos = nanos.getAsLong();
    shownNanos = startedNanos;
  }

  void at(long done, long all) {
    if (out == null) {
      return;
    }
    long now = nanos.getAsLong();
    long every = isBar ? EVERY_NANOS : LINE_EVERY_NANOS;
    if (now - startedNanos < FIRST_NANOS || now - shownNanos < every) {
      return;
    }
    shownNanos = now;
    long percent = 100 * done / Math.max(1, all);
    if (!isBar) {
      out.println(what + ": " + percent + " %");
      return;
    }
    shown = true;
    int filled = (int) (WIDTH * done / Math.max(1, all));
    out.printf(
        Locale.ROOT,
        "\r%-50s [%s%s] %3d %%",
        what,
        "=".repeat(filled),
        " ".repeat(WIDTH - filled),
        percent);
    out.flush();
  }

  void end() {
    if (shown && out != null) {
      out.print("\r" + " ".repeat(60 + WIDTH) + "\r");
      shown = false;
    }
  }
}
