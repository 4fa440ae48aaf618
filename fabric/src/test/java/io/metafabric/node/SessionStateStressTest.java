package io.metafabric.node;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.record.Key;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What threads read in one session it depends on, also when it forgets what all regions have. */
@Tag("stress")
class SessionStateStressTest {
  private static final Key OLD = Key.of("n/old");
  private static final Key ONE = Key.of("n/one");
  private static final Key OTHER = Key.of("n/other");

  private static Version version(int actor) {
    return new Version(new Dot(new ActorId(actor), 1), VersionVector.EMPTY, new Stamp(5));
  }

  @Test
  void noReadIsForgotten() {
    Interleavings.ofProgram(
        () -> {
          Dependencies before = Dependencies.NONE.saw(OLD, version(1));
          var session = new SessionState(before);
          together(
              () -> session.saw(ONE, version(2)),
              () -> session.saw(OTHER, version(3)),
              () -> session.compacted(before, Dependencies.NONE));
          long named = session.seen().recent().stream().filter(each -> isNew(each.dot())).count();
          require(named == 2, "of two reads it depends on " + named);
        });
  }

  private static boolean isNew(Dot dot) {
    return dot.actor().id() > 1;
  }
}
