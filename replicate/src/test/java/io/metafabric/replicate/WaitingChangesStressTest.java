package io.metafabric.replicate;

import static io.metafabric.core.stress.Interleavings.require;

import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is refused while room is given back is asked for, whoever sees the other first. */
@Tag("stress")
class WaitingChangesStressTest {
  @Test
  void whatWasRefused_isAskedForOnce() {
    Interleavings.ofProgram(
        () -> {
          var loop = new ChainedThreads();
          var asked = new AtomicInteger();
          var waiting = new WaitingChanges(10, loop);
          waiting.take(20);
          var from = new PlayedReplication.PlayedConnection();
          loop.execute(() -> waiting.refuse(from, asked::incrementAndGet));
          waiting.giveBack(20);
          loop.await();
          require(asked.get() == 1, "asked for: " + asked);
        });
  }
}
