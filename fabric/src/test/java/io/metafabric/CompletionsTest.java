package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.host.SystemClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CompletionsTest {
  /** Runs what it is given when told to, and nothing once it is closed. */
  private static final class ByHand implements SerialExecutor {
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private boolean closed;

    @Override
    public void execute(Runnable task) {
      if (!closed) {
        tasks.add(task);
      }
    }

    void runAll() {
      for (Runnable next = tasks.poll(); next != null; next = tasks.poll()) {
        next.run();
      }
    }

    @Override
    public Task schedule(Duration delay, Runnable task) {
      throw new UnsupportedOperationException("nothing is put off here");
    }

    @Override
    public void close() {
      closed = true;
      tasks.clear();
    }
  }

  private final ByHand thread = new ByHand();
  private final Completions completions = new Completions(thread, new SystemClock(), Runnable::run);
  private final List<Integer> done = new ArrayList<>();

  private static void fail(Throwable with) {
    if (with instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) with;
  }

  @Test
  void whatFails_keepsNothingElseFromBeingCompleted_onTheThreadOrAtTheEnd() {
    completions.execute(() -> done.add(1));
    completions.execute(() -> fail(new StackOverflowError("first")));
    completions.execute(() -> fail(new IllegalStateException("second")));
    completions.execute(() -> done.add(2));
    assertThatThrownBy(thread::runAll).isInstanceOf(StackOverflowError.class);
    assertThat(done).containsExactly(1, 2);

    completions.execute(() -> fail(new IllegalStateException("third")));
    completions.execute(() -> done.add(3));
    assertThatThrownBy(completions::close).hasMessage("third");
    assertThat(done).containsExactly(1, 2, 3);
  }

  @Test
  void whatIsHandedOverAfterTheEnd_isCompletedByWhoComes() {
    completions.close();
    completions.execute(() -> done.add(1));
    assertThat(done).containsExactly(1);
  }

  @Test
  void whatACompletionAddsAfterTheEnd_growsNoStack_howeverMuchItIs() {
    completions.close();
    completions.execute(() -> add(100_000));
    assertThat(done).hasSize(100_000).isEqualTo(IntStream.range(0, 100_000).boxed().toList());
  }

  private void add(int left) {
    done.add(done.size());
    if (left > 1) {
      completions.execute(() -> add(left - 1));
    }
  }

  @Test
  void whoCompletesWhatIsLeft_waitsForNoRoom() throws InterruptedException {
    while (completions.takeRoom(0)) {
      done.add(done.size());
    }
    var took = new ArrayList<Boolean>();
    completions.execute(
        () -> {
          try {
            took.add(completions.takeRoom(0));
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    completions.close();
    assertThat(done).isNotEmpty();
    assertThat(took).containsExactly(true);
  }
}
