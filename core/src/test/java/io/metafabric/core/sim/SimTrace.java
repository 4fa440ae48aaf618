package io.metafabric.core.sim;

import java.io.PrintWriter;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happened: the newest lines to read, and a hash of all there ever was. */
final class SimTrace {
  private static final int KEPT_LINES = 4096;

  private record Line(long atNanos, String text) {
    @Override
    public String toString() {
      return timeOf(atNanos) + " " + text;
    }
  }

  private final ArrayDeque<Line> lines = new ArrayDeque<>();
  private @Nullable PrintWriter all;
  private long hash;

  /** From now on everything is written there too, what only counts in the hash included. */
  void writeTo(PrintWriter target) {
    all = target;
  }

  boolean isWritten() {
    return all != null;
  }

  void line(long atNanos, String text) {
    mix(atNanos, text);
    if (lines.size() == KEPT_LINES) {
      lines.remove();
    }
    var line = new Line(atNanos, text);
    lines.add(line);
    write(line);
  }

  /** Is written if all is, and does not count in the hash. */
  void aside(long atNanos, String text) {
    write(new Line(atNanos, text));
  }

  private void write(Line line) {
    PrintWriter target = all;
    if (target != null) {
      target.println(line);
    }
  }

  /** Counts in the hash, and is not kept to be read. */
  void mix(long atNanos, String text) {
    mix(atNanos);
    mix(text.hashCode());
  }

  void mix(long value) {
    long mixed = (hash ^ value) * 0x9e3779b97f4a7c15L;
    hash = mixed ^ (mixed >>> 29) + 1;
  }

  long hash() {
    return hash;
  }

  List<String> lines() {
    return lines.stream().map(Line::toString).toList();
  }

  List<String> tail(int count) {
    return lines.stream().skip(Math.max(0, lines.size() - count)).map(Line::toString).toList();
  }

  static String timeOf(long nanos) {
    return String.format("%d.%09d", nanos / 1_000_000_000, nanos % 1_000_000_000);
  }
}
