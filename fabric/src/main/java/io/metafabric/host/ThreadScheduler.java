package io.metafabric.host;

import io.metafabric.core.port.Scheduler;
import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives every serial executor a daemon thread named {@code metafabric-<fabric>-<name>}. */
public final class ThreadScheduler implements Scheduler {
  private static final Logger log = LoggerFactory.getLogger(ThreadScheduler.class);

  private final String fabric;

  public ThreadScheduler(String fabric) {
    this.fabric = fabric;
  }

  @Override
  public SerialExecutor serial(String name) {
    return new OneThread("metafabric-" + fabric + "-" + name);
  }

  private static final class OneThread implements SerialExecutor {
    private final ScheduledThreadPoolExecutor executor;
    private volatile Thread thread = Thread.currentThread();

    OneThread(String name) {
      executor =
          new ScheduledThreadPoolExecutor(
              1,
              task -> {
                var created = new Thread(task, name);
                created.setDaemon(true);
                thread = created;
                return created;
              });
      executor.setRemoveOnCancelPolicy(true);
      executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
      executor.prestartCoreThread();
    }

    @Override
    public void execute(Runnable task) {
      try {
        executor.execute(guarded(task));
      } catch (RejectedExecutionException e) {
        log.trace("dropped a task that came after the close", e);
      }
    }

    @Override
    public Task schedule(Duration delay, Runnable task) {
      try {
        ScheduledFuture<?> future =
            executor.schedule(guarded(task), delay.toNanos(), TimeUnit.NANOSECONDS);
        return () -> future.cancel(false);
      } catch (RejectedExecutionException e) {
        log.trace("dropped a task that came after the close", e);
        return () -> {};
      }
    }

    private static Runnable guarded(Runnable task) {
      return () -> {
        try {
          task.run();
        } catch (RuntimeException | Error e) {
          log.error("a task failed; the others go on", e);
        }
      };
    }

    @Override
    public void close() {
      // Not shutdownNow: an interrupt would close the file that the running task writes to.
      executor.shutdown();
      executor.getQueue().clear();
      if (Thread.currentThread() == thread) {
        return;
      }
      boolean interrupted = false;
      while (true) {
        try {
          if (executor.awaitTermination(1, TimeUnit.SECONDS)) {
            thread.join();
            break;
          }
          executor.getQueue().clear();
        } catch (InterruptedException e) {
          // The running task may hold files; leaving it behind would be worse than a late
          // interrupt.
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
