package io.metafabric;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.replicate.PeerStateChange;
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

  private final List<Consumer<PeerStateChange>> listeners;
  private final @Nullable SerialExecutor thread;
  private final BiConsumer<PeerStateChange, Throwable> onFailure;

  // Guarded by this.
  private final ArrayDeque<PeerStateChange> waiting = new ArrayDeque<>();
  private boolean delivering;
  private boolean closed;
  private long delivered;
  private long dropped;
  private long failed;

  /**
   * @param thread closed with this; null if there are no listeners
   * @param onFailure hears of what listeners throw
   */
  PeerEvents(
      List<Consumer<PeerStateChange>> listeners,
      @Nullable SerialExecutor thread,
      BiConsumer<PeerStateChange, Throwable> onFailure) {
    this.listeners = List.copyOf(listeners);
    this.thread = thread;
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
    try {
      listener.accept(change);
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        failed++;
      }
      onFailure.accept(change, e);
    }
  }

  synchronized FabricStats.Events stats() {
    return new FabricStats.Events(delivered, waiting.size(), dropped, failed);
  }

  /**
   * What waits is not delivered any more; waits for the listener that runs, unless it is called by
   * it.
   */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      waiting.clear();
    }
    if (thread != null) {
      thread.close();
    }
  }
}
