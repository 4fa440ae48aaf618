package io.metafabric;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.node.MemoryUse;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Completes the futures that the host was given, away from the thread that commits: what the host
 * hangs on them may take its time. One thread does, many futures at a time; when it has ended, what
 * is left is completed by whoever comes. Thread-safe.
 */
final class Completions implements Executor, AutoCloseable {
  /**
   * Enough to keep a disk busy that takes some milliseconds to sync. Of more, each would be gone
   * from the processor's caches by the time that its turn has come.
   */
  private static final int MAX_UNDER_WAY = 1 << 12;

  /** Futures, what links them, and a version, whose context is mostly small. */
  private static final long ESTIMATED_BYTES = 512;

  private final SerialExecutor thread;
  private final Clock clock;
  private final Consumer<Runnable> afterGroup;
  private final ConcurrentLinkedQueue<Runnable> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger underWay = new AtomicInteger();
  private final AtomicBoolean draining = new AtomicBoolean();
  private final Object room = new Object();
  private final Runnable wake;
  private volatile @Nullable Thread drainer;

  /** Threads that complete what is left; empty until it is closed. */
  private final Set<Thread> closing = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;

  /**
   * @param afterGroup runs something when nothing more of what is completed together is to come
   */
  Completions(SerialExecutor thread, Clock clock, Consumer<Runnable> afterGroup) {
    this.thread = thread;
    this.clock = clock;
    this.afterGroup = afterGroup;
    this.wake = () -> thread.execute(this::drainOnThread);
  }

  @Override
  public void execute(Runnable completion) {
    waiting.add(completion);
    if (closed) {
      drainHere();
    } else if (draining.compareAndSet(false, true)) {
      // To wake a thread costs more than to complete a future.
      afterGroup.accept(wake);
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

  /** After the thread has ended; what a completion adds is left to who completes it. */
  private void drainHere() {
    if (!isDrainer() && closing.add(Thread.currentThread())) {
      try {
        drain();
      } finally {
        closing.remove(Thread.currentThread());
      }
    }
  }

  private boolean isDrainer() {
    Thread me = Thread.currentThread();
    return me == drainer || (closed && closing.contains(me));
  }

  /** One that fails keeps no other from being completed; the first failure is thrown then. */
  private void drain() {
    Throwable first = null;
    for (Runnable next = waiting.poll(); next != null; next = waiting.poll()) {
      try {
        next.run();
      } catch (RuntimeException | Error e) {
        first = first == null ? e : first;
      }
    }
    if (first instanceof Error error) {
      throw error;
    }
    if (first instanceof RuntimeException failure) {
      throw failure;
    }
  }

  /**
   * Takes room for one write, until {@link #giveRoomBack}; waits until the host's callbacks have
   * caught up. A callback itself never waits for the others.
   *
   * @return false if that took more than {@code timeoutMs}
   */
  boolean takeRoom(long timeoutMs) throws InterruptedException {
    if (isDrainer()) {
      underWay.incrementAndGet();
      return true;
    }
    if (tryTakeRoom()) {
      return true;
    }
    long deadlineNanos = clock.nanoTime() + timeoutMs * 1_000_000;
    synchronized (room) {
      for (long leftMs = timeoutMs; leftMs > 0; ) {
        if (tryTakeRoom()) {
          return true;
        }
        room.wait(leftMs);
        leftMs = (deadlineNanos - clock.nanoTime()) / 1_000_000;
      }
    }
    return tryTakeRoom();
  }

  private boolean tryTakeRoom() {
    return underWay.getAndUpdate(now -> now < MAX_UNDER_WAY ? now + 1 : now) < MAX_UNDER_WAY;
  }

  void giveRoomBack() {
    if (underWay.decrementAndGet() == MAX_UNDER_WAY / 2) {
      synchronized (room) {
        room.notifyAll();
      }
    }
  }

  MemoryUse memory() {
    return new MemoryUse(
        "callbacks", underWay.get() * ESTIMATED_BYTES, MAX_UNDER_WAY * ESTIMATED_BYTES);
  }

  /** Completes what is left on the caller's thread. */
  @Override
  public void close() {
    closed = true;
    thread.close();
    drainHere();
  }
}
