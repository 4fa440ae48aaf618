package io.metafabric.core.sim;

import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;

/** A serial executor of virtual time: every task is one event of its own. */
final class SimExecutor implements SerialExecutor {
  private final SimLife life;
  private final String name;

  // A turn runs whatever is first in here, so that neither jitter nor a pause changes the order.
  private final ArrayDeque<Runnable> ready = new ArrayDeque<>();
  // In the world's queue, which must not hold on to what has been closed.
  private final Set<Delayed> planned = new HashSet<>();
  private boolean open = true;

  SimExecutor(SimLife life, String name) {
    this.life = life;
    this.name = name;
  }

  String name() {
    return name;
  }

  boolean isOpen() {
    return open;
  }

  @Override
  public void execute(Runnable task) {
    if (accepts()) {
      ready.add(task);
      life.world().afterNanos(life.world().drawJitterNanos(), name, () -> life.turn(this::runNext));
    }
  }

  @Override
  public Task schedule(Duration delay, Runnable task) {
    if (!accepts()) {
      return () -> {};
    }
    var put = new Delayed(task);
    long delayNanos = Math.max(0, delay.toNanos()) + life.world().drawJitterNanos();
    put.timer =
        life.world()
            .afterNanos(
                delayNanos,
                name,
                () -> {
                  planned.remove(put);
                  // In line from now on, even if the node is paused.
                  ready.add(put);
                  life.turn(this::runNext);
                });
    planned.add(put);
    return put;
  }

  private boolean accepts() {
    return open && life.isAlive();
  }

  private void runNext() {
    Runnable task = ready.poll();
    if (task == null || !accepts()) {
      return;
    }
    try {
      task.run();
    } catch (Throwable e) {
      // What a dying process still throws, nobody hears.
      if (life.isAlive()) {
        life.world().record(name, e);
      }
    }
  }

  @Override
  public void close() {
    open = false;
    ready.clear();
    planned.forEach(Delayed::cancel);
    planned.clear();
  }

  private static final class Delayed implements Task, Runnable {
    private final Runnable task;
    private Task timer = () -> {};
    private boolean cancelled;

    Delayed(Runnable task) {
      this.task = task;
    }

    @Override
    public void run() {
      if (!cancelled) {
        task.run();
      }
    }

    @Override
    public void cancel() {
      cancelled = true;
      timer.cancel();
    }
  }
}
