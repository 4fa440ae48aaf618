package io.metafabric.core.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.FabricException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class LaterTest {
  private final Queue<Runnable> tasks = new ArrayDeque<>();

  private final SerialExecutor executor =
      new SerialExecutor() {
        @Override
        public void execute(Runnable task) {
          tasks.add(task);
        }

        @Override
        public Task schedule(Duration delay, Runnable task) {
          throw new AssertionError("nothing is to wait");
        }

        @Override
        public void close() {}
      };

  @Test
  void itBeginsInATask_andEndsWithWhatWasBegun() {
    var begun = new CompletableFuture<String>();
    CompletableFuture<String> result = Later.on(executor, () -> begun);
    begun.complete("done");
    assertThat(result).as("not begun").isNotDone();
    tasks.remove().run();
    assertThat(result).isCompletedWithValue("done");
  }

  @Test
  void whatFails_fails() {
    var failure = new FabricException("later");
    CompletableFuture<Void> result =
        Later.on(executor, () -> CompletableFuture.failedFuture(failure));
    tasks.remove().run();
    assertThat(result).isCompletedExceptionally();
    assertThatThrownBy(result::join).cause().isSameAs(failure);
  }

  @Test
  void whatIsRefused_isAFailureToo_andADefectIsTheExecutors() {
    var refusal = new FabricException("at once");
    CompletableFuture<Void> refused =
        Later.on(
            executor,
            () -> {
              throw refusal;
            });
    tasks.remove().run();
    assertThatThrownBy(refused::join).cause().isSameAs(refusal);

    CompletableFuture<Void> broken =
        Later.on(
            executor,
            () -> {
              throw new IllegalStateException("a defect");
            });
    assertThatThrownBy(() -> tasks.remove().run()).hasMessage("a defect");
    assertThat(broken).isNotDone();
  }
}
