package io.metafabric.core.store;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Completes a future once several things are published; with a failure if one has failed. */
final class AllDone implements Staged.Completion {
  private final CompletableFuture<Void> future = new CompletableFuture<>();
  private int open;
  private @Nullable RuntimeException firstFailure;

  /**
   * @param things how often {@link #done} will be called
   */
  AllDone(int things) {
    this.open = things;
    if (things == 0) {
      future.complete(null);
    }
  }

  CompletableFuture<Void> future() {
    return future;
  }

  @Override
  public void done(@Nullable RuntimeException failure) {
    RuntimeException failed;
    synchronized (this) {
      if (failure != null && firstFailure == null) {
        firstFailure = failure;
      }
      if (--open > 0) {
        return;
      }
      failed = firstFailure;
    }
    if (failed == null) {
      future.complete(null);
    } else {
      future.completeExceptionally(failed);
    }
  }
}
