package io.metafabric.replicate;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A task that is queued once, however often it is wanted before it begins; whoever wants it while
 * it runs has it run again. Thread-safe.
 */
final class QueuedOnce {
  private final Executor executor;
  private final Runnable task;
  private final AtomicBoolean queued = new AtomicBoolean();

  QueuedOnce(Executor executor, Runnable task) {
    this.executor = executor;
    this.task = task;
  }

  void want() {
    if (queued.compareAndSet(false, true)) {
      executor.execute(this::run);
    }
  }

  private void run() {
    // Before the task, which may already have passed by what is wanted of it now.
    queued.set(false);
    task.run();
  }
}
