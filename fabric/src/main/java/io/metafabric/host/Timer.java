package io.metafabric.host;

import io.metafabric.core.port.SerialExecutor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A task that waits for its time; runs or is cancelled, once. */
final class Timer implements SerialExecutor.Task, Runnable, Comparable<Timer> {
  private final long atNanos;
  private final AtomicInteger cancelledCount;

  // Emptied early: a timer may be kept long after it was cancelled.
  private final AtomicReference<@Nullable Runnable> task;
  private long sequence;

  Timer(long atNanos, Runnable task, AtomicInteger cancelledCount) {
    this.atNanos = atNanos;
    this.task = new AtomicReference<>(task);
    this.cancelledCount = cancelledCount;
  }

  /** Orders timers of the same time; to be set before they are compared. */
  void setSequence(long next) {
    sequence = next;
  }

  long nanosLeft(long nowNanos) {
    return atNanos - nowNanos;
  }

  boolean isDue(long nowNanos) {
    return nanosLeft(nowNanos) <= 0;
  }

  boolean isOver() {
    return task.get() == null;
  }

  @Override
  public void run() {
    Runnable once = task.getAndSet(null);
    if (once != null) {
      once.run();
    }
  }

  @Override
  public void cancel() {
    if (task.getAndSet(null) != null) {
      cancelledCount.incrementAndGet();
    }
  }

  @Override
  public int compareTo(Timer that) {
    // By difference, because nanoTime may overflow.
    int byTime = Long.signum(atNanos - that.atNanos);
    return byTime != 0 ? byTime : Long.compare(sequence, that.sequence);
  }
}
