package io.metafabric.host;

import io.metafabric.node.ForeignCode;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Calls the host's code on a daemon thread that is made when it is needed, ends when it is not, and
 * is left behind, interrupted, if the code does not return.
 *
 * <p>Whoever waits watches: a second thread that is there only while something runs.
 */
public final class ForeignThread implements ForeignCode {
  private static final int MAX_WAITING = 1024;
  private static final Duration IDLE = Duration.ofSeconds(10);

  private record Call<T>(Callable<T> code, Duration within, CompletableFuture<T> result) {
    void run() {
      try {
        result.complete(code.call());
      } catch (Throwable e) {
        // Whatever the host throws, errors included, is an answer; the thread is ours.
        result.completeExceptionally(e);
      }
    }
  }

  private final String name;
  private final Object lock = new Object();
  private final ArrayDeque<Call<?>> waiting = new ArrayDeque<>();
  private @Nullable Worker worker;
  private boolean closed;

  public ForeignThread(String fabric) {
    this.name = "metafabric-" + fabric + "-foreign";
  }

  @Override
  public <T> CompletableFuture<T> call(Callable<T> code, Duration within) {
    var call = new Call<>(code, within, new CompletableFuture<T>());
    synchronized (lock) {
      if (closed || waiting.size() >= MAX_WAITING) {
        call.result.completeExceptionally(
            new RejectedExecutionException(closed ? "closed" : "too much waits"));
        return call.result;
      }
      waiting.add(call);
      if (worker == null) {
        worker = new Worker();
        worker.start();
      }
      lock.notifyAll();
    }
    return call.result;
  }

  /** Two threads: one calls, the other watches it and takes its place. */
  private final class Worker {
    private final Thread caller = daemon(this::callAll, name);
    private final Thread watch = daemon(this::watch, name + "-watch");
    private @Nullable Call<?> running;
    private long begunNanos;

    void start() {
      caller.start();
      watch.start();
    }

    private static Thread daemon(Runnable body, String name) {
      var thread = new Thread(null, body, name, 0, false);
      thread.setContextClassLoader(ForeignThread.class.getClassLoader());
      thread.setDaemon(true);
      return thread;
    }

    private void callAll() {
      Call<?> next = next();
      while (next != null) {
        next.run();
        next = next();
      }
    }

    /** Null if this worker is not needed any more. */
    private @Nullable Call<?> next() {
      synchronized (lock) {
        running = null;
        lock.notifyAll();
        long idleSince = System.nanoTime();
        while (worker == this && waiting.isEmpty()) {
          long leftMs = IDLE.toMillis() - msSince(idleSince);
          // An interrupt of the host's may come with a call that counts on this worker.
          if (closed || leftMs <= 0 || (!await(leftMs) && waiting.isEmpty())) {
            worker = null;
            lock.notifyAll();
          }
        }
        if (worker != this) {
          return null;
        }
        running = waiting.remove();
        begunNanos = System.nanoTime();
        lock.notifyAll();
        return running;
      }
    }

    private void watch() {
      synchronized (lock) {
        while (worker == this) {
          Call<?> call = running;
          long leftMs =
              call == null ? IDLE.toMillis() : call.within.toMillis() - msSince(begunNanos);
          if (leftMs <= 0) {
            abandon(call);
          } else {
            await(leftMs);
          }
        }
      }
    }

    private void abandon(@Nullable Call<?> call) {
      worker = null;
      if (!waiting.isEmpty()) {
        worker = new Worker();
        worker.start();
      }
      if (call == null) {
        caller.interrupt();
        return;
      }
      var failure = new AbandonedException(call.within);
      // Elsewhere: whoever waits for it must not run under the lock. What the code throws because
      // it is interrupted comes too late.
      daemon(
              () -> {
                call.result.completeExceptionally(failure);
                caller.interrupt();
              },
              name + "-abandoned")
          .start();
    }

    @SuppressWarnings("WaitNotInLoop") // its callers do
    private boolean await(long millis) {
      try {
        lock.wait(millis);
        return true;
      } catch (InterruptedException e) {
        return false;
      }
    }

    private static long msSince(long nanos) {
      return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
    }
  }

  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      Worker last = worker;
      worker = null;
      waiting.forEach(
          call -> call.result.completeExceptionally(new RejectedExecutionException("closed")));
      waiting.clear();
      if (last != null) {
        last.caller.interrupt();
      }
      lock.notifyAll();
    }
  }
}
