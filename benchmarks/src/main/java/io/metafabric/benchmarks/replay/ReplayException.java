package io.metafabric.benchmarks.replay;

/** An option or a trace that cannot be used; the message says what to do. */
public final class ReplayException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public ReplayException(String message) {
    super(message);
  }

  ReplayException(String message, Throwable cause) {
    super(message, cause);
  }
}
