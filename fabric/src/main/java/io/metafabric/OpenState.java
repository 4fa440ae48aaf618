package io.metafabric;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.StorageException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Whether a fabric is open, and what its callers are told when they have waited. Thread-safe. */
final class OpenState {
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Returns whether it was open before. */
  boolean close() {
    return closed.compareAndSet(false, true);
  }

  boolean isClosed() {
    return closed.get();
  }

  void requireOpen() {
    if (closed.get()) {
      throw closedException();
    }
  }

  static FabricClosedException closedException() {
    return new FabricClosedException("the fabric is closed; open a new one");
  }

  /** Waits for what has a timeout of its own. */
  <T> T awaited(CompletableFuture<T> future, String doing) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      throw interrupted(doing, e);
    } catch (ExecutionException e) {
      throw closed.get() ? closedException() : asUnchecked(e.getCause());
    }
  }

  static FabricException interrupted(String doing, InterruptedException e) {
    Thread.currentThread().interrupt();
    return new FabricException("interrupted while " + doing, e);
  }

  RuntimeException asUnchecked(@Nullable Throwable cause) {
    if (cause instanceof StorageException && closed.get()) {
      return closedException();
    }
    if (cause instanceof RuntimeException unchecked) {
      return unchecked;
    }
    return new FabricException("an unexpected failure: " + cause, cause);
  }
}
