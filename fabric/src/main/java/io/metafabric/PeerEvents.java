package io.metafabric;

import io.metafabric.core.port.Scheduler;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.replicate.PeerStateChange;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes events from the node's loop, which must not wait, to the host's listeners, which may take
 * their time: one thread, in the order of the events. Holds a bounded number; when there is no room
 * the newest is dropped, and counted. Thread-safe.
 */
final class PeerEvents implements AutoCloseable {
  static final int MAX_WAITING = 1024;

  /** So long a listener that runs is waited for at the closing. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  /** A listener that runs. */
  private record Telling(Thread thread, PeerStateChange change) {}

  private final List<Consumer<PeerStateChange>> listeners;
  private final Scheduler scheduler;
  private final @Nullable SerialExecutor thread;
  private final BiConsumer<PeerStateChange, Throwable> onFailure;

  // Guarded by this.
  private final ArrayDeque<PeerStateChange> waiting = new ArrayDeque<>();
  private boolean delivering;
  private boolean closed;
  private long delivered;

  /** While a listener runs. */
  private @Nullable Telling telling;

  private boolean outOfPatience;
  private long dropped;
  private long failed;

  /**
   * @param scheduler has a thread for the listeners, if there are any
   * @param onFailure hears of what listeners throw
   */
  PeerEvents(
      List<Consumer<PeerStateChange>> listeners,
      Scheduler scheduler,
      BiConsumer<PeerStateChange, Throwable> onFailure) {
    this.listeners = List.copyOf(listeners);
    this.scheduler = scheduler;
    this.thread = listeners.isEmpty() ? null : scheduler.serial("events");
    this.onFailure = onFailure;
  }

  /** Never waits. */
  void publish(PeerStateChange change) {
    SerialExecutor deliverer = thread;
    synchronized (this) {
      if (deliverer == null || closed) {
        return;
      }
      if (waiting.size() == MAX_WAITING) {
        dropped++;
        return;
      }
      waiting.add(change);
      if (delivering) {
        return;
      }
      delivering = true;
    }
    deliverer.execute(this::deliver);
  }

  private void deliver() {
    for (PeerStateChange next = next(); next != null; next = next()) {
      for (Consumer<PeerStateChange> listener : listeners) {
        tell(listener, next);
      }
    }
  }

  private synchronized @Nullable PeerStateChange next() {
    PeerStateChange next = closed ? null : waiting.poll();
    if (next == null) {
      delivering = false;
    } else {
      delivered++;
    }
    return next;
  }

  private void tell(Consumer<PeerStateChange> listener, PeerStateChange change) {
    synchronized (this) {
      if (closed) {
        return;
      }
      telling = new Telling(Thread.currentThread(), change);
    }
    try {
      listener.accept(change);
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        failed++;
      }
      onFailure.accept(change, e);
    } finally {
      synchronized (this) {
        telling = null;
        notifyAll();
      }
    }
  }

  synchronized FabricStats.Events stats() {
    return new FabricStats.Events(delivered, waiting.size(), dropped, failed);
  }

  /**
   * What waits is not delivered any more. Waits for the listener that runs, unless it is called by
   * it, for {@link #PATIENCE}: one that waits for whoever closes would else be waited for for ever.
   * It is interrupted then, and left to itself.
   */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      waiting.clear();
    }
    if (thread == null) {
      return;
    }
    Telling stuck = isTold() ? awaitListener() : null;
    if (stuck == null) {
      thread.close();
    } else {
      // By itself, once the listener returns: whoever else closes it would wait for that.
      thread.execute(thread::close);
      stuck.thread().interrupt();
      onFailure.accept(
          stuck.change(),
          new IllegalStateException(
              "it has not returned within "
                  + PATIENCE
                  + " of the closing; it was interrupted, and is not waited for"));
    }
  }

  /** What a listener is told that has not returned; null if none runs but the caller. */
  private @Nullable Telling awaitListener() {
    SerialExecutor timer = scheduler.serial("events-patience");
    try {
      timer.schedule(PATIENCE, this::losePatience);
      return awaitReturn();
    } finally {
      timer.close();
    }
  }

  private synchronized void losePatience() {
    outOfPatience = true;
    notifyAll();
  }

  private synchronized @Nullable Telling awaitReturn() {
    boolean interrupted = false;
    while (isTold() && !outOfPatience) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return isTold() ? telling : null;
  }

  /** Whether a listener runs, and is not who asks. */
  private synchronized boolean isTold() {
    Telling now = telling;
    return now != null && now.thread() != Thread.currentThread();
  }
}
