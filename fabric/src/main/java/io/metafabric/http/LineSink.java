package io.metafabric.http;

/** Takes the lines of one request in; on one thread at a time, which may be held up. */
public interface LineSink {
  /**
   * @throws BadRequestException if it cannot be meant: then neither it nor what follows is taken
   */
  void line(Fields fields);

  /** So much for now: takes in what came since the last time. */
  void flush();

  /** How many were taken in. */
  long taken();

  /** All lines came. */
  Answer end();
}
