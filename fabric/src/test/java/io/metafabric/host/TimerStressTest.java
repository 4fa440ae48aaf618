package io.metafabric.host;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.Interleavings;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A timer runs or is cancelled: one of the two, and once. */
@Tag("stress")
class TimerStressTest {
  @Test
  void itRunsOrIsCancelled_once() {
    Interleavings.ofProgram(
        () -> {
          var ran = new AtomicInteger();
          var cancelled = new AtomicInteger();
          var timer = new Timer(0, ran::incrementAndGet, cancelled);
          together(timer::run, timer::cancel, timer::cancel);
          require(ran.get() + cancelled.get() == 1, ran + " runs, " + cancelled + " cancelled");
          require(timer.isOver(), "not over");
        });
  }
}
