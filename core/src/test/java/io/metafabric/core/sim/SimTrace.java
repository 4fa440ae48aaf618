package io.metafabric.core.sim;

import java.util.ArrayDeque;
import java.util.List;

/** What happened: the newest lines to read, and a hash of all there ever was. */
final class SimTrace {
  private static final int KEPT_LINES = 4096;

  private final ArrayDeque<String> lines = new ArrayDeque<>();
  private long hash;

  void line(long atNanos, String text) {
    mix(atNanos, text);
    if (lines.size() == KEPT_LINES) {
      lines.remove();
    }
    lines.add(timeOf(atNanos) + " " + text);
  }

  /** Counts in the hash, and is not kept to be read. */
  void mix(long atNanos, String text) {
    hash = (hash * 31 + atNanos) * 0x9e3779b97f4a7c15L + text.hashCode();
    hash ^= hash >>> 29;
  }

  long hash() {
    return hash;
  }

  List<String> lines() {
    return List.copyOf(lines);
  }

  List<String> tail(int count) {
    return lines.stream().skip(Math.max(0, lines.size() - count)).toList();
  }

  static String timeOf(long nanos) {
    return String.format("%d.%09d", nanos / 1_000_000_000, nanos % 1_000_000_000);
  }
}
