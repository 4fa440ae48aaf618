package io.metafabric.core.store;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.Interleavings;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The last of all completes the future, with the failure if there was one. */
@Tag("stress")
class AllDoneStressTest {
  @Test
  void aFailureIsNotLost_andNobodyWaitsForEver() {
    Interleavings.ofProgram(
        () -> {
          var all = new AllDone(3);
          together(
              () -> all.done(null),
              () -> all.done(new IllegalStateException("refused")),
              () -> all.done(null));
          require(all.future().isCompletedExceptionally(), "the failure is lost");
          var good = new AllDone(2);
          together(() -> good.done(null), () -> good.done(null));
          require(good.future().isDone(), "still open");
          good.future().join();
        });
  }
}
