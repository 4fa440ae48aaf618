package io.metafabric.core.sim;

import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;

/** Runs everything at once on the caller's thread, for tests in which nothing is put off. */
public final class DirectExecutor implements SerialExecutor {
  @Override
  public void execute(Runnable task) {
    task.run();
  }

  @Override
  public Task schedule(Duration delay, Runnable task) {
    throw new UnsupportedOperationException("nothing is put off here; use a simulated executor");
  }

  @Override
  public void close() {}
}
