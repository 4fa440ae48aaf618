package io.metafabric.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class DependenciesTest {
  private static final ActorId EU = new ActorId(1);
  private static final ActorId US = new ActorId(2);
  private static final Key KEY = Key.of("n/1");
  private static final Key OTHER = Key.of("n/2");

  private static Version version(Dot dot, VersionVector context) {
    return new Version(dot, context, new Stamp(dot.counter()));
  }

  private static Version version(ActorId actor, long counter) {
    return version(new Dot(actor, counter), VersionVector.EMPTY);
  }

  @Test
  void whatWasRead_isAskedForOfItsOwnKey_andOfNoOther() {
    Dependencies seen = Dependencies.NONE.saw(KEY, version(EU, 7));
    assertThat(seen.recentOf(KEY)).containsExactly(new Dot(EU, 7));
    assertThat(seen.recentOf(OTHER)).isEmpty();
    assertThat(seen.upTo()).isEqualTo(VersionVector.EMPTY);
  }

  @Test
  void whatReplacesAVersion_isAskedForInItsStead() {
    Version first = version(EU, 7);
    Dependencies seen =
        Dependencies.NONE
            .saw(KEY, first)
            .saw(KEY, version(new Dot(US, 3), VersionVector.EMPTY.withLone(first.dot())));
    assertThat(seen.recentOf(KEY)).containsExactly(first.dot(), new Dot(US, 3));
    assertThat(seen.recentOf(OTHER)).isEmpty();
    assertThat(seen.upTo()).as("a lone dot is about its own key").isEqualTo(VersionVector.EMPTY);
  }

  @Test
  void whatTheWriterDependedOn_isAskedForOfAllKeys() {
    Dependencies seen =
        Dependencies.NONE.saw(KEY, version(new Dot(US, 3), VersionVector.of(new Dot(EU, 9))));
    assertThat(seen.upTo()).isEqualTo(VersionVector.of(new Dot(EU, 9)));
  }

  @Test
  void howLateItWas_isKept_alsoOfWhatNeedsNotBeNamedAnyMore() {
    Dependencies seen =
        Dependencies.NONE
            .saw(KEY, version(EU, 7))
            .saw(KEY, version(US, 3))
            .saw(OTHER, version(EU, 5));
    assertThat(seen.latest()).isEqualTo(new Stamp(7));
    Dependencies above = seen.above(VersionVector.of(new Dot(EU, 7)).with(new Dot(US, 3)));
    assertThat(above.isEmpty()).isTrue();
    assertThat(above.latest()).isEqualTo(new Stamp(7));
    assertThat(Dependencies.NONE.saw(KEY, version(US, 9)).join(above).latest())
        .isEqualTo(new Stamp(9));
    assertThat(above.join(Dependencies.NONE).latest()).isEqualTo(new Stamp(7));
  }

  /** Token vectors ask for more, never for less. */
  @RepeatedTest(50)
  void howeverMuchIsRead_nothingIsForgotten_andTheBoundHolds(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    Dependencies seen = Dependencies.NONE;
    VersionVector read = VersionVector.EMPTY;
    for (int i = 0; i < 200; i++) {
      var dot = new Dot(new ActorId(1 + random.nextInt(5)), 1 + random.nextInt(1000));
      seen = seen.saw(Key.of("n/" + random.nextInt(100)), version(dot, VersionVector.EMPTY));
      read = read.with(dot);
      assertThat(seen.recent()).hasSizeLessThanOrEqualTo(Dependencies.MAX_RECENT);
    }
    assertThat(seen.all()).isEqualTo(read);
    assertThat(seen.join(Dependencies.NONE)).isEqualTo(seen);
    assertThat(seen.join(seen)).isEqualTo(seen);
    assertThat(TokenFormat.decode(TokenFormat.encode("c", seen, null)).dependencies())
        .isEqualTo(seen);
  }

  @Test
  void whatAllRegionsHave_isNotNamed() {
    Dependencies seen =
        Dependencies.NONE
            .saw(KEY, version(EU, 7))
            .saw(OTHER, version(new Dot(US, 3), VersionVector.of(new Dot(EU, 9))))
            .above(VersionVector.of(new Dot(EU, 9)));
    assertThat(seen.upTo()).isEqualTo(VersionVector.EMPTY);
    assertThat(seen.recent()).hasSize(1);
    assertThat(seen.above(VersionVector.of(new Dot(US, 3))).isEmpty()).isTrue();
  }

  @Test
  void whatTheSystemOfRecordGave_isNothingToWaitFor() {
    assertThat(Dependencies.NONE.saw(KEY, Version.NONE)).isEqualTo(Dependencies.NONE);
  }

  @Test
  void allOfIt_isSaidByActor() {
    Dependencies seen =
        Dependencies.NONE
            .saw(KEY, version(new Dot(EU, 7), VersionVector.of(new Dot(US, 2))))
            .saw(OTHER, version(US, 3));
    assertThat(seen.all()).isEqualTo(VersionVector.of(new Dot(EU, 7)).with(new Dot(US, 3)));
  }

  @Test
  void whatAllHaveByNow_wasSeenAllTheSame() {
    Dependencies seen = Dependencies.NONE.saw(KEY, version(EU, 7));
    assertThat(Dependencies.NONE.hasSeenNothing()).isTrue();
    assertThat(seen.hasSeenNothing()).isFalse();
    assertThat(seen.above(VersionVector.of(new Dot(EU, 7)))).matches(Dependencies::isEmpty);
    assertThat(seen.above(VersionVector.of(new Dot(EU, 7))).hasSeenNothing()).isFalse();
  }

  /** Of tokens, which other versions of the library read. */
  @Test
  void theHashOfAKey_isWhatItAlwaysWas() {
    assertThat(Dependencies.hashOf(KEY)).isEqualTo(-4359466953649821100L);
  }
}
