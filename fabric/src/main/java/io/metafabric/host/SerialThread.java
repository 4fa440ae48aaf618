package io.metafabric.host;

import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A serial executor with a thread of its own.
 *
 * <p>Producers never block: they append to a lock-free queue, and wake the thread only if it
 * sleeps. The queue has no bound, because the port knows no refusal: who submits bounds what he
 * submits.
 */
final class SerialThread implements SerialExecutor {
  private static final Duration FOR_EVER = Duration.ofDays(365L * 100);
  private static final int CANCELLED_KEPT = 64;

  private final ThreadScheduler.FailureListener failures;
  private final ConcurrentLinkedQueue<Runnable> arrived = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean asleep = new AtomicBoolean();
  private final AtomicInteger cancelled = new AtomicInteger();
  private final Thread thread;
  private volatile boolean closed;

  // The thread's own.
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private long timersSeen;

  private SerialThread(String name, ThreadScheduler.FailureListener failures) {
    this.failures = failures;
    // Without the starter's inheritable thread-locals and context class loader: they may belong to
    // an application that is undeployed while the fabric lives on.
    thread = new Thread(null, this::run, name, 0, false);
    thread.setContextClassLoader(SerialThread.class.getClassLoader());
    thread.setDaemon(true);
  }

  static SerialThread start(String name, ThreadScheduler.FailureListener failures) {
    var serial = new SerialThread(name, failures);
    serial.thread.start();
    return serial;
  }

  @Override
  public void execute(Runnable task) {
    if (closed) {
      return;
    }
    arrived.add(task);
    // Either the thread sees the task before it sleeps, or we see that it is about to.
    if (asleep.get() && asleep.compareAndSet(true, false)) {
      LockSupport.unpark(thread);
    }
  }

  @Override
  public Task schedule(Duration delay, Runnable task) {
    long delayNanos = (delay.compareTo(FOR_EVER) < 0 ? delay : FOR_EVER).toNanos();
    var timer = new Timer(System.nanoTime() + Math.max(0, delayNanos), task, cancelled);
    execute(() -> enlist(timer));
    return timer;
  }

  private void enlist(Timer timer) {
    if (cancelled.get() > Math.max(CANCELLED_KEPT, timers.size() / 2)) {
      cancelled.set(0);
      timers.removeIf(Timer::isOver);
    }
    if (!timer.isOver()) {
      timer.setSequence(timersSeen++);
      timers.add(timer);
    }
  }

  /** Timers that are kept, cancelled ones included; to be called by a task. */
  int timersKept() {
    return timers.size();
  }

  private void run() {
    while (!closed) {
      runDueTimers();
      Runnable task = arrived.poll();
      if (task == null) {
        sleep();
      } else {
        runGuarded(task);
      }
    }
    arrived.clear();
    timers.clear();
  }

  private void runDueTimers() {
    if (timers.isEmpty()) {
      return;
    }
    long nowNanos = System.nanoTime();
    for (Timer first = timers.peek();
        first != null && first.isDue(nowNanos) && !closed;
        first = timers.peek()) {
      timers.remove();
      runGuarded(first);
    }
  }

  private void runGuarded(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      failures.taskFailed(thread.getName(), e);
    } finally {
      // An interrupt is between a task and who interrupted it; the next task knows nothing of it.
      Thread.interrupted();
    }
  }

  private void sleep() {
    asleep.set(true);
    if (arrived.isEmpty() && !closed) {
      Timer first = timers.peek();
      if (first == null) {
        LockSupport.park(this);
      } else {
        LockSupport.parkNanos(this, first.nanosLeft(System.nanoTime()));
      }
      // An interrupted thread would not sleep again.
      Thread.interrupted();
    }
    asleep.set(false);
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
    if (Thread.currentThread() != thread) {
      joinThread();
    }
  }

  /** Whoever closes is about to close what the running task works on, so an interrupt must wait. */
  private void joinThread() {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
