package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A task that begins at once where it has rested, and otherwise when its rest is over: however
 * often it is wanted meanwhile, it runs once. Whoever wants it while it runs has it run again.
 * Thread-safe.
 */
final class PacedTask {
  private enum State {
    RESTED,
    QUEUED,
    RESTING,
    WANTED
  }

  private final SerialExecutor executor;
  private final Duration rest;
  private final Runnable task;
  private final AtomicReference<State> state = new AtomicReference<>(State.RESTED);

  /**
   * @param rest from the beginning of the task to the next one
   */
  PacedTask(SerialExecutor executor, Duration rest, Runnable task) {
    this.executor = executor;
    this.rest = rest;
    this.task = task;
  }

  void want() {
    for (boolean isNoted = false; !isNoted; ) {
      State now = state.get();
      if (now == State.RESTED) {
        isNoted = state.compareAndSet(now, State.QUEUED);
        if (isNoted) {
          executor.execute(this::run);
        }
      } else {
        isNoted = now != State.RESTING || state.compareAndSet(now, State.WANTED);
      }
    }
  }

  private void run() {
    // Before the task, which may already have passed by what is wanted of it now.
    state.set(State.RESTING);
    executor.schedule(rest, this::rested);
    task.run();
  }

  private void rested() {
    if (!state.compareAndSet(State.RESTING, State.RESTED)) {
      run();
    }
  }
}
