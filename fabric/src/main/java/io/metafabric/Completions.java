package io.metafabric;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Completes the futures that the host was given, away from the thread that commits: what the host
 * hangs on them may take its time. One thread does, many futures at a time; when it has ended, what
 * is left is completed by whoever comes. Thread-safe.
 */
final class Completions implements Executor, AutoCloseable {
  /** A completion that waits holds a few hundred bytes beside its value. */
  private static final int MAX_WAITING = 1 << 16;

  private final SerialExecutor thread;
  private final Clock clock;
  private final ConcurrentLinkedQueue<Runnable> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waitingCount = new AtomicInteger();
  private final AtomicBoolean draining = new AtomicBoolean();
  private final Object room = new Object();
  private volatile @Nullable Thread drainer;
  private volatile boolean closed;

  Completions(SerialExecutor thread, Clock clock) {
    this.thread = thread;
    this.clock = clock;
  }

  @Override
  public void execute(Runnable completion) {
    waitingCount.incrementAndGet();
    waiting.add(completion);
    if (closed) {
      drain();
    } else if (draining.compareAndSet(false, true)) {
      thread.execute(this::drainOnThread);
    }
  }

  private void drainOnThread() {
    drainer = Thread.currentThread();
    try {
      // Cleared first: who adds after the last look starts the next drain.
      draining.set(false);
      drain();
    } finally {
      drainer = null;
    }
  }

  private void drain() {
    for (Runnable next = waiting.poll(); next != null; next = waiting.poll()) {
      if (waitingCount.decrementAndGet() == MAX_WAITING / 2) {
        synchronized (room) {
          room.notifyAll();
        }
      }
      next.run();
    }
  }

  /**
   * Waits until the host's callbacks have caught up; false if that took more than {@code
   * timeoutMs}. A callback itself never waits for the others.
   */
  boolean awaitRoom(long timeoutMs) throws InterruptedException {
    if (waitingCount.get() < MAX_WAITING || Thread.currentThread() == drainer) {
      return true;
    }
    long deadlineNanos = clock.nanoTime() + timeoutMs * 1_000_000;
    synchronized (room) {
      long leftMs = timeoutMs;
      while (waitingCount.get() >= MAX_WAITING && leftMs > 0) {
        room.wait(leftMs);
        leftMs = (deadlineNanos - clock.nanoTime()) / 1_000_000;
      }
    }
    return waitingCount.get() < MAX_WAITING;
  }

  /** Completes what is left on the caller's thread. */
  @Override
  public void close() {
    closed = true;
    thread.close();
    drain();
  }
}
