package io.metafabric.core.store;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.record.Key;
import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whoever wants the floor while it is being asked for gets one that is not older. */
@Tag("stress")
class SettledContextsStressTest {
  private static final Key KEY = Key.of("n/1");
  private static final Version LONG = longVersion();

  private static Version longVersion() {
    VersionVector context = VersionVector.EMPTY;
    for (int actor = 1; actor <= SettledContexts.MAX_ACTORS; actor++) {
      context = context.with(new Dot(new ActorId(actor), 1));
    }
    return new Version(new Dot(new ActorId(20), 1), context, new Stamp(5));
  }

  @Test
  void aFloorThatRoseBeforeItWasAskedFor_isSeen() {
    Interleavings.ofProgram(
        () -> {
          var turns = new ChainedThreads();
          var stable = new AtomicReference<>(VersionVector.EMPTY);
          var settled = new SettledContexts();
          settled.start(turns, stable::get);
          settled.contextAfter(KEY, LONG, false);
          together(
              () -> {
                stable.set(VersionVector.EMPTY.with(LONG.dot()));
                settled.contextAfter(KEY, LONG, false);
              });
          turns.await();
          require(settled.isApplied(LONG.dot()), "the floor is older than the question");
        });
  }
}
