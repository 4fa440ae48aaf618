package io.metafabric.core.port;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * Runs tasks one at a time, in the order of their arrival. A task that throws is reported and does
 * not stop the next. Thread-safe.
 */
public interface SerialExecutor extends Executor, AutoCloseable {
  /** A task that was put off. */
  interface Task {
    /** The task does not begin any more; one that runs already goes on. */
    void cancel();
  }

  /** Runs {@code task} once {@code delay} has passed, among the others. */
  Task schedule(Duration delay, Runnable task);

  /**
   * Begins no task any more, and waits for the one that runs, unless that is the caller. Tasks that
   * come later are dropped.
   */
  @Override
  void close();
}
