package io.metafabric.node;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

/**
 * Runs the host's code where it does no harm if it never returns. One call at a time. Thread-safe.
 */
public interface ForeignCode extends AutoCloseable {
  /** The code did not return in time. It was left to itself, and may still run. */
  final class AbandonedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public AbandonedException(Duration within) {
      super("it has not returned within " + within);
    }
  }

  /**
   * Calls {@code code}, once those before it have returned or been abandoned.
   *
   * @return completes with what it returns or throws; with an {@link AbandonedException} if it has
   *     not returned within {@code within} of its beginning; with a {@link
   *     java.util.concurrent.RejectedExecutionException} if too much waits
   */
  <T> CompletableFuture<T> call(Callable<T> code, Duration within);

  /** Waits for nothing. */
  @Override
  void close();

  /** On the caller's thread, for as long as it takes: for code that is known. */
  static ForeignCode inline() {
    return new ForeignCode() {
      @Override
      public <T> CompletableFuture<T> call(Callable<T> code, Duration within) {
        try {
          return CompletableFuture.completedFuture(code.call());
        } catch (Exception | StackOverflowError e) {
          return CompletableFuture.failedFuture(e);
        }
      }

      @Override
      public void close() {}
    };
  }
}
