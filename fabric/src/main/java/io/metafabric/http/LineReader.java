package io.metafabric.http;

import java.io.ByteArrayOutputStream;
import java.util.Map;

/**
 * Cuts a body that comes in pieces into lines, and passes each on. Holds one unfinished line at
 * most. Not thread-safe.
 */
final class LineReader {
  static final int MAX_LINE_BYTES = 8192;

  private final HttpRoute route;
  private final LineSink sink;
  private final ByteArrayOutputStream unfinished = new ByteArrayOutputStream();
  private long number;

  LineReader(HttpRoute route) {
    this.route = route;
    this.sink = route.newSink();
  }

  /**
   * @throws BadRequestException if a line cannot be taken; those before it were
   */
  void take(byte[] piece) {
    int from = 0;
    for (int i = 0; i < piece.length; i++) {
      if (piece[i] == '\n') {
        add(piece, from, i - from);
        line();
        from = i + 1;
      }
    }
    add(piece, from, piece.length - from);
    sink.flush();
  }

  private void add(byte[] piece, int from, int length) {
    if (unfinished.size() + length > MAX_LINE_BYTES) {
      number++;
      throw bad(new BadRequestException(null, "it has more than " + MAX_LINE_BYTES + " bytes"));
    }
    unfinished.write(piece, from, length);
  }

  private void line() {
    number++;
    byte[] bytes = unfinished.toByteArray();
    unfinished.reset();
    int length = bytes.length;
    if (length > 0 && bytes[length - 1] == '\r') {
      length--;
    }
    if (length == 0) {
      return;
    }
    try {
      Map<String, Object> values = Json.fields(bytes, 0, length);
      sink.line(Fields.checked(route.fields(), values));
    } catch (BadRequestException e) {
      throw bad(e);
    }
  }

  private BadRequestException bad(BadRequestException e) {
    sink.flush();
    return e.atLine(number, sink.taken());
  }

  /** Of how many lines what is to be done is done; between two pieces. */
  long taken() {
    return sink.taken();
  }

  /** All has come; the last line needs no end. */
  Answer end() {
    if (unfinished.size() > 0) {
      line();
      sink.flush();
    }
    return sink.end();
  }
}
