package io.metafabric.replicate;

import static io.metafabric.core.stress.Interleavings.require;

import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What there is to do when the task is wanted, it does, or one that comes after it. */
@Tag("stress")
class PacedTaskStressTest {
  @Test
  void whatComesWhileItRuns_isNotLeftBehind() {
    Interleavings.ofProgram(
        () -> {
          var turns = new ChainedThreads();
          var waiting = new AtomicInteger();
          var task = new PacedTask(turns, Duration.ofMillis(1), () -> waiting.set(0));
          for (int i = 0; i < 2; i++) {
            waiting.incrementAndGet();
            task.want();
          }
          turns.await();
          require(waiting.get() == 0, "left behind: " + waiting);
        });
  }
}
