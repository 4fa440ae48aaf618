package io.metafabric.core.stress;

import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;

/**
 * A serial executor with a thread for each task, which begins when the one before has ended: there
 * is no queue in it whose steps a model checker would have to order too. Thread-safe.
 */
public final class ChainedThreads implements SerialExecutor {
  private Thread last;
  private volatile boolean closed;

  @Override
  public synchronized void execute(Runnable task) {
    if (closed) {
      return;
    }
    Thread before = last;
    last =
        new Thread(
            () -> {
              if (before != null) {
                Interleavings.join(before);
              }
              if (!closed) {
                task.run();
              }
            });
    last.start();
  }

  /** Without a delay: how long anything takes is up to the model checker. Cannot be cancelled. */
  @Override
  public Task schedule(Duration delay, Runnable task) {
    execute(task);
    return () -> {};
  }

  /** Waits until no task is left; none must come any more but from tasks. */
  public void await() {
    for (Thread ending = last(); ending != null; ending = next(ending)) {
      Interleavings.join(ending);
    }
  }

  private synchronized Thread last() {
    return last;
  }

  private synchronized Thread next(Thread ended) {
    return last == ended ? null : last;
  }

  /** Tasks that have not begun do not any more. */
  @Override
  public void close() {
    closed = true;
    await();
  }
}
