package io.metafabric.procs;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.List;
import org.junit.jupiter.api.Test;

/** That the record complains of what must not be, and of nothing else. */
class RecorderTest {
  private static final String KEY = "shared/1";
  private static final WriteId EU = new WriteId(0, 1);
  private static final WriteId US = new WriteId(1, 1);

  private final Recorder recorder = new Recorder();
  private final Dot euDot = new Dot(new ActorId(10), 5);
  private final Dot usDot = new Dot(new ActorId(20), 3);
  private final Version eu = new Version(euDot, VersionVector.EMPTY, new Stamp(1000));
  private final Version usAfterEu = new Version(usDot, VersionVector.of(euDot), new Stamp(2000));

  private static KeyState state(Version version, String value) {
    return KeyState.parse(new KeyState(KEY, version, "written,eu-west,1", value).toString());
  }

  private List<String> problems(Version version, String value) {
    return recorder.problems(List.of(state(version, value)));
  }

  private void write(WriteId id, Effect effect, Version version) {
    recorder.tried(id, KEY, effect);
    recorder.acknowledged(id, version);
  }

  @Test
  void theLastWrite_orOneThatCoversIt_isRight() {
    write(EU, Effect.VALUE, eu);
    assertThat(problems(eu, EU + "/dot/never")).isEmpty();
    write(US, Effect.VALUE, usAfterEu);
    assertThat(problems(usAfterEu, US + "/dot/never")).isEmpty();
  }

  @Test
  void aWriteThatNobodyCovers_isLost() {
    write(EU, Effect.VALUE, eu);
    write(US, Effect.VALUE, usAfterEu);
    assertThat(problems(usAfterEu.withContext(VersionVector.EMPTY), US + "/dot/never"))
        .singleElement()
        .asString()
        .startsWith("lost");
    assertThat(problems(null, KeyState.NONE)).singleElement().asString().startsWith("lost");
  }

  @Test
  void theWinnerOfAConflict_isTheLaterOne() {
    write(EU, Effect.VALUE, eu);
    write(US, Effect.VALUE, new Version(usDot, VersionVector.EMPTY, new Stamp(2000)));
    assertThat(problems(eu.withContext(VersionVector.of(usDot)), EU + "/dot/never"))
        .anyMatch(problem -> problem.startsWith("an older write"));
  }

  @Test
  void anotherValueThanTheWinners_isWrong() {
    write(EU, Effect.VALUE, eu);
    assertThat(problems(eu, US + "/dot/never")).anyMatch(it -> it.startsWith("not the value"));
    assertThat(problems(eu, KeyState.NONE)).anyMatch(it -> it.startsWith("not the value"));
  }

  @Test
  void whatIsDeletedOrExpired_isNotShown() {
    write(EU, Effect.VALUE, eu);
    write(US, Effect.NOTHING, usAfterEu);
    assertThat(problems(usAfterEu, KeyState.NONE)).isEmpty();
    assertThat(problems(usAfterEu, EU + "/dot/never")).isNotEmpty();
  }

  @Test
  void whatWasDeletedLast_mayBeForgotten_withAllBeforeIt() {
    write(EU, Effect.VALUE, eu);
    write(US, Effect.NOTHING, usAfterEu);
    assertThat(problems(null, KeyState.NONE)).isEmpty();
    var later = new WriteId(1, 2);
    var apart = new Version(new Dot(new ActorId(30), 1), VersionVector.EMPTY, new Stamp(3000));
    write(later, Effect.VALUE, apart);
    assertThat(problems(apart, later + "/dot/never")).isEmpty();
    assertThat(problems(null, KeyState.NONE)).singleElement().asString().startsWith("lost");
    assertThat(problems(usAfterEu, KeyState.NONE)).isNotEmpty();
  }

  @Test
  void whatWasWrittenAfterTheLastDeletion_isNotForgotten() {
    write(EU, Effect.NOTHING, eu);
    write(US, Effect.VALUE, usAfterEu);
    var later = new WriteId(1, 2);
    var apart = new Version(new Dot(new ActorId(30), 1), VersionVector.EMPTY, new Stamp(3000));
    write(later, Effect.VALUE, apart);
    assertThat(problems(apart, later + "/dot/never")).singleElement().asString().startsWith("lost");
  }

  @Test
  void whatWasTriedByAProcessThatWasKilled_mayBeThere_andNothingElse() {
    write(EU, Effect.VALUE, eu);
    assertThat(problems(usAfterEu, US + "/dot/never")).isNotEmpty();
    recorder.tried(US, KEY, Effect.VALUE);
    recorder.ended(US.life());
    assertThat(problems(usAfterEu, US + "/dot/never")).isEmpty();
    assertThat(problems(eu, EU + "/dot/never")).isEmpty();
    assertThat(problems(usAfterEu, KeyState.NONE)).isNotEmpty();
  }

  @Test
  void aDeclinedWrite_leavesNothing() {
    write(EU, Effect.VALUE, eu);
    recorder.tried(US, KEY, Effect.VALUE);
    recorder.declined(US);
    recorder.ended(US.life());
    assertThat(problems(usAfterEu, US + "/dot/never")).isNotEmpty();
  }

  @Test
  void anAcknowledgementKnownByWhatCoversIt_mustBeCovered() {
    recorder.tried(EU, KEY, Effect.NOTHING);
    recorder.acknowledgedUnder(EU, eu);
    write(US, Effect.VALUE, new Version(usDot, VersionVector.EMPTY, new Stamp(2000)));
    assertThat(problems(new Version(usDot, VersionVector.EMPTY, new Stamp(2000)), US + "/d/never"))
        .singleElement()
        .asString()
        .startsWith("lost");
  }

  @Test
  void aValueThatWasReadBeforeItWasTried_isAProblem() {
    write(EU, Effect.VALUE, eu);
    recorder.read(EU);
    assertThat(problems(eu, EU + "/dot/never")).isEmpty();
    recorder.read(new WriteId(0, 2));
    assertThat(problems(eu, EU + "/dot/never")).isNotEmpty();
  }
}
