package io.metafabric.benchmarks.replay;

import java.io.Closeable;
import java.io.IOException;
import java.io.Reader;
import org.jspecify.annotations.Nullable;

/**
 * Lines of a text of which nobody knows how long they are: of one that is longer than {@value
 * #MAX_CHARS} characters only the beginning is kept, and the rest is passed over. A line ends as it
 * does for {@link java.io.BufferedReader}. Not thread-safe.
 */
final class BoundedLines implements Closeable {
  static final int MAX_CHARS = 1 << 20;

  static final String TOO_LONG = "a line of more than " + MAX_CHARS + " characters";

  private static final int SHOWN_CHARS = 256;
  private static final int BUFFER_CHARS = 1 << 16;

  private final Reader in;
  private final char[] buffer = new char[BUFFER_CHARS];
  private final StringBuilder line = new StringBuilder();
  private int at;
  private int end;
  private boolean afterReturn;
  private boolean tooLong;

  BoundedLines(Reader in) {
    this.in = in;
  }

  /** Without what ends it; null at the end of the text. Of one that is too long the beginning. */
  @Nullable String next() throws IOException {
    line.setLength(0);
    tooLong = false;
    boolean any = false;
    while (fill()) {
      any = true;
      int from = at;
      while (at < end && buffer[at] != '\n' && buffer[at] != '\r') {
        at++;
      }
      keep(from);
      if (at < end) {
        afterReturn = buffer[at] == '\r';
        at++;
        return line.toString();
      }
    }
    return any ? line.toString() : null;
  }

  private void keep(int from) {
    if (!tooLong) {
      line.append(buffer, from, at - from);
    }
    if (line.length() > MAX_CHARS) {
      tooLong = true;
      line.setLength(SHOWN_CHARS);
      line.trimToSize();
    }
  }

  /** Whether there is more; passes over the second half of what ended the line before. */
  private boolean fill() throws IOException {
    do {
      if (at == end) {
        at = 0;
        end = Math.max(0, in.read(buffer));
        if (end == 0) {
          return false;
        }
      }
      if (afterReturn && buffer[at] == '\n') {
        at++;
      }
      afterReturn = false;
    } while (at == end);
    return true;
  }

  /** Whether the last line was longer than what is kept. */
  boolean isTooLong() {
    return tooLong;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
