package io.metafabric.node;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.stress.SetClock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Nobody waits for what has come, nor for a fabric that is closed. */
@Tag("stress")
class WaitsStressTest {
  private static final Duration LONG = Duration.ofHours(1);

  /** No time passes on it. Where nothing is tried yet, tasks run at once, which is one order. */
  private static final class Loop implements SerialExecutor {
    final ChainedThreads turns = new ChainedThreads();
    boolean hasThreads;

    @Override
    public void execute(Runnable task) {
      if (hasThreads) {
        turns.execute(task);
      } else {
        task.run();
      }
    }

    @Override
    public Task schedule(Duration delay, Runnable task) {
      return () -> {};
    }

    @Override
    public void close() {
      turns.close();
    }
  }

  private static final class Caller implements Waits.Attempt {
    final CompletableFuture<String> ended = new CompletableFuture<>();
    volatile boolean isKnown;

    @Override
    public CompletableFuture<?> ended() {
      return ended;
    }

    @Override
    public void tryNow() {
      if (isKnown) {
        ended.complete("known");
      }
    }

    @Override
    public void giveUp() {
      throw new AssertionError("no time has passed");
    }
  }

  @Test
  void whatComesWhileTheyAreLookedAt_isSeenByTheNextLook() {
    Interleavings.ofProgram(
        () -> {
          var loop = new Loop();
          var waits = new Waits(loop, new SetClock());
          var caller = new Caller();
          waits.add(caller, 0, LONG);
          loop.hasThreads = true;
          waits.advanced();
          // While the loop looks.
          caller.isKnown = true;
          waits.advanced();
          loop.turns.await();
          require(caller.ended.isDone(), "it came, and nobody looked");
          require(waits.estimatedBytes() == 0, "charged for ever");
        });
  }

  @Test
  void whoComesBesideTheEnd_isToldOfIt() {
    Interleavings.ofProgram(
        () -> {
          var loop = new Loop();
          var waits = new Waits(loop, new SetClock());
          loop.hasThreads = true;
          var one = new Caller();
          var other = new Caller();
          together(
              () -> waits.add(one, 0, LONG),
              () -> waits.add(other, 0, LONG),
              () -> {
                loop.close();
                waits.close();
              });
          require(one.ended.isCompletedExceptionally(), "one waits for ever");
          require(other.ended.isCompletedExceptionally(), "the other waits for ever");
          require(waits.stats().callers() == 0, "counted for ever");
        });
  }
}
