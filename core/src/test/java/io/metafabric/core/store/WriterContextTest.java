package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.List;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

/** What a writer has seen, with as few lone dots as possible; by example, beside SiblingsTest. */
class WriterContextTest {
  static final ActorId PARIS = new ActorId(1);
  static final ActorId TOKYO = new ActorId(2);
  static final ToLongFunction<ActorId> ALL = actor -> Long.MAX_VALUE;

  private static Sibling write(ActorId actor, long counter) {
    var version = new Version(new Dot(actor, counter), VersionVector.EMPTY, new Stamp(counter));
    return new Sibling(Header.tombstone(version, new RegionName("paris")), null);
  }

  private static VersionVector seen(Sibling... versions) {
    return WriterContext.ofAll(List.of(versions));
  }

  @Test
  void whoHasReadSeveralVersions_hasSeenEachAndNothingBetween() {
    VersionVector seen = seen(write(PARIS, 3), write(PARIS, 5), write(TOKYO, 1));

    assertThat(seen.contains(new Dot(PARIS, 4))).isFalse();
    assertThat(seen)
        .isEqualTo(
            VersionVector.of(new Dot(TOKYO, 1))
                .withLone(new Dot(PARIS, 3))
                .withLone(new Dot(PARIS, 5)));
    assertThat(seen()).isEqualTo(VersionVector.EMPTY);
  }

  @Test
  void theNewestOfAnActor_standsForAllBefore_ifNoneOfThoseIsLeftUnseen() {
    VersionVector seen = seen(write(PARIS, 3), write(PARIS, 5));

    assertThat(WriterContext.folded(seen, List.of(write(PARIS, 3), write(PARIS, 5)), ALL))
        .isEqualTo(VersionVector.of(new Dot(PARIS, 5)));
    assertThat(WriterContext.folded(seen, List.of(write(PARIS, 5), write(PARIS, 9)), ALL))
        .as("what is behind it does not matter")
        .isEqualTo(VersionVector.of(new Dot(PARIS, 5)));
  }

  @Test
  void aVersionThatTheWriterHasNotSeen_keepsTheDotsBehindItAlone() {
    VersionVector seen = seen(write(PARIS, 3), write(PARIS, 7), write(TOKYO, 2));
    List<Sibling> known = List.of(write(PARIS, 5), write(TOKYO, 2));

    VersionVector folded = WriterContext.folded(seen, known, ALL);

    assertThat(folded.contains(new Dot(PARIS, 5))).isFalse();
    assertThat(folded)
        .isEqualTo(
            VersionVector.of(new Dot(PARIS, 3))
                .with(new Dot(TOKYO, 2))
                .withLone(new Dot(PARIS, 7)));
  }

  @Test
  void aVersionOfAnotherActor_keepsNothingAlone() {
    VersionVector seen = seen(write(PARIS, 7));
    assertThat(WriterContext.folded(seen, List.of(write(PARIS, 7), write(TOKYO, 4)), ALL))
        .isEqualTo(VersionVector.of(new Dot(PARIS, 7)));
  }

  @Test
  void whatThisNodeMayNotKnow_isNotCountedAsSeen() {
    VersionVector seen = seen(write(PARIS, 3), write(PARIS, 7), write(TOKYO, 2));

    assertThat(WriterContext.folded(seen, List.of(), actor -> actor.equals(PARIS) ? 6 : 1))
        .isEqualTo(
            VersionVector.of(new Dot(PARIS, 3))
                .withLone(new Dot(PARIS, 7))
                .withLone(new Dot(TOKYO, 2)));
    assertThat(WriterContext.folded(seen, List.of(), actor -> actor.equals(PARIS) ? 7 : 2))
        .isEqualTo(VersionVector.of(new Dot(PARIS, 7)).with(new Dot(TOKYO, 2)));
  }
}
