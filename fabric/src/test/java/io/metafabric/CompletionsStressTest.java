package io.metafabric;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.host.SystemClock;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every future that was handed over is completed once, also when that meets the end. */
@Tag("stress")
class CompletionsStressTest {
  @Test
  void whatIsHandedOver_isCompleted_inTheOrderOfEachCaller() {
    Interleavings.ofProgram(
        () -> {
          var thread = new ChainedThreads();
          var completions = new Completions(thread, new SystemClock(), Runnable::run);
          var done = new ArrayList<Integer>();
          together(
              () -> {
                completions.execute(() -> done.add(1));
                completions.execute(() -> done.add(2));
              },
              () -> completions.execute(() -> done.add(-1)));
          thread.await();
          require(done.size() == 3, "done: " + done);
          require(done.indexOf(1) < done.indexOf(2), "out of order: " + done);
        });
  }

  /** A program so small that nearly all of its orders are tried. */
  @Test
  void oneThatMeetsTheEndOfTheLast_isCompleted() {
    Interleavings.ofProgram(
        () -> {
          var thread = new ChainedThreads();
          var completions = new Completions(thread, new SystemClock(), Runnable::run);
          var done = new AtomicInteger();
          completions.execute(done::incrementAndGet);
          together(() -> completions.execute(done::incrementAndGet));
          thread.await();
          require(done.get() == 2, "completed: " + done);
        });
  }

  @Test
  void noneIsLost_whenItMeetsTheEnd() {
    Interleavings.ofProgram(
        () -> {
          var completions = new Completions(new ChainedThreads(), new SystemClock(), Runnable::run);
          var done = new AtomicInteger();
          together(
              () -> completions.execute(done::incrementAndGet),
              () -> completions.execute(done::incrementAndGet),
              completions::close);
          require(done.get() == 2, "completed: " + done);
        });
  }
}
