package io.metafabric.core.transport;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** Keeps tasks back while it is paused: the node that does not get around to its work. */
public final class PausableExecutor implements Executor {
  private final Executor executor;
  private final List<Runnable> kept = new ArrayList<>();
  private boolean paused;

  public PausableExecutor(Executor executor) {
    this.executor = executor;
  }

  @Override
  public synchronized void execute(Runnable task) {
    if (paused) {
      kept.add(task);
    } else {
      executor.execute(task);
    }
  }

  /** Tasks that come from now on are kept; one that runs already goes on. */
  public synchronized void pause() {
    paused = true;
  }

  public synchronized void resume() {
    paused = false;
    kept.forEach(executor::execute);
    kept.clear();
  }
}
