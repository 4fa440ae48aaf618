package io.metafabric.core.store;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Nothing is told to peers before the disk has it, whoever asks beside whom. */
@Tag("stress")
class DurableProgressStressTest {
  private static final ActorId ACTOR = new ActorId(1);

  @Test
  void whatIsToldIsDurable() {
    Interleavings.ofProgram(
        () -> {
          var progress = new DurableProgress();
          together(
              () -> tell(progress, 2, 0),
              () -> {
                tell(progress, 3, 2);
                tell(progress, 5, 3);
              },
              () -> tell(progress, 4, 1));
          require(told(progress, 5, 5) == 5, "less than all");
        });
  }

  /** Who is late is told what others know of the disk. */
  private static void tell(DurableProgress progress, long published, long durable) {
    long told = told(progress, published, durable);
    require(told <= 3, told + " when 3 were durable");
  }

  /** The n-th change is at position n. */
  private static long told(DurableProgress progress, long published, long durable) {
    VersionVector all = VersionVector.EMPTY.with(new Dot(ACTOR, published));
    return progress.update(all, published, durable).counter(ACTOR);
  }
}
