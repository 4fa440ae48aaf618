package io.metafabric.core.port;

import io.metafabric.core.error.FabricException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** What is begun on an executor, and ends somewhere else. */
public final class Later {
  private Later() {}

  /**
   * Runs {@code action} as a task of {@code executor}, and completes as what it returns does; or
   * with the {@link FabricException} that it throws. Anything else that it throws is a defect, for
   * the executor to report.
   */
  public static <T> CompletableFuture<T> on(
      SerialExecutor executor, Supplier<CompletableFuture<T>> action) {
    var result = new CompletableFuture<T>();
    executor.execute(
        () -> {
          CompletableFuture<T> begun;
          try {
            begun = action.get();
          } catch (FabricException e) {
            begun = CompletableFuture.failedFuture(e);
          }
          begun.whenComplete(
              (value, failure) -> {
                if (failure == null) {
                  result.complete(value);
                } else {
                  result.completeExceptionally(failure);
                }
              });
        });
    return result;
  }
}
