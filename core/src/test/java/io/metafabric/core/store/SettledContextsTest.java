package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** What a writer goes on naming of openings that are over, by example. */
class SettledContextsTest {
  private static final Key KEY = Key.of("n/1");
  private static final RegionName EU = new RegionName("eu");
  private static final Dot FIRST = new Dot(new ActorId(20), 1);
  private static final Dot SECOND = new Dot(new ActorId(21), 1);

  /** What would be run one day. */
  private static final class Later implements SerialExecutor {
    final Queue<Runnable> tasks = new ArrayDeque<>();

    @Override
    public void execute(Runnable task) {
      throw new UnsupportedOperationException("everything is put off");
    }

    @Override
    public Task schedule(Duration delay, Runnable task) {
      assertThat(delay).isEqualTo(Duration.ofSeconds(1));
      tasks.add(task);
      return () -> {};
    }

    @Override
    public void close() {}
  }

  private final SettledContexts settled = new SettledContexts();
  private final Later later = new Later();
  private VersionVector stable = VersionVector.EMPTY;

  private void start() {
    settled.start(later, () -> stable);
  }

  private void floorIs(VersionVector floor) {
    stable = floor;
    assertThat(settled.floor()).isEqualTo(floor);
  }

  /** Ten writes of each of the actors from 1 on. */
  private static VersionVector tenOf(int actors) {
    VersionVector all = VersionVector.EMPTY;
    for (int i = 1; i <= actors; i++) {
      all = all.with(new Dot(new ActorId(i), 10));
    }
    return all;
  }

  private static Version version(Dot dot, VersionVector context) {
    return new Version(dot, context, new Stamp(5));
  }

  private static final Version LONG = version(FIRST, tenOf(8));
  private static final Version NEXT = version(SECOND, tenOf(8).with(FIRST));

  private VersionVector after(Version replaced) {
    return settled.contextAfter(KEY, replaced, false);
  }

  private static VersionVector all(Version version) {
    return version.context().with(version.dot());
  }

  @Test
  void whatAllRegionsHave_isNamedNoMore() {
    start();
    floorIs(all(LONG));
    assertThat(after(LONG)).isEqualTo(VersionVector.of(FIRST));
  }

  @Test
  void whatIsNotUnderTheFloor_isNamed_evenIfWhatHasSeenItIs() {
    start();
    floorIs(tenOf(7).with(new Dot(new ActorId(8), 9)).with(FIRST));
    assertThat(after(LONG)).isEqualTo(VersionVector.of(FIRST).with(new Dot(new ActorId(8), 10)));
  }

  @Test
  void whatIsNotSettled_isNamedWhole() {
    start();
    floorIs(tenOf(8));
    assertThat(after(LONG)).isEqualTo(all(LONG));
    assertThat(new SettledContexts().contextAfter(KEY, LONG, false)).isEqualTo(all(LONG));
  }

  @Test
  void aShortContext_orOneWithLoneDots_isLeftAsItIs() {
    start();
    Version ofSeven = version(FIRST, tenOf(7));
    VersionVector withLone = tenOf(8).withLone(new Dot(new ActorId(3), 15));
    floorIs(all(LONG));
    assertThat(after(ofSeven)).isEqualTo(all(ofSeven));
    assertThat(after(version(FIRST, withLone))).isEqualTo(withLone.with(FIRST));
    assertThat(later.tasks).as("nobody need ask").isEmpty();
  }

  @Test
  void aDeletion_namesAllItHasSeen() {
    start();
    floorIs(all(LONG));
    assertThat(settled.contextAfter(KEY, LONG, true)).isEqualTo(all(LONG));
  }

  @Test
  void ofAKeyThatIsWrittenAllTheTime_oneVersionIsRemembered_untilItIsSettled() {
    start();
    assertThat(after(LONG)).isEqualTo(all(LONG));
    assertThat(after(NEXT)).isEqualTo(all(NEXT));
    floorIs(all(LONG));
    assertThat(after(NEXT)).isEqualTo(VersionVector.of(FIRST).with(SECOND));
    assertThat(after(NEXT)).as("that one is over, and the next one unsettled").isEqualTo(all(NEXT));
    floorIs(all(NEXT));
    assertThat(after(NEXT)).isEqualTo(VersionVector.of(SECOND));
  }

  @Test
  void aVersionThatHasNotSeenTheRememberedOne_isRememberedInItsPlace() {
    start();
    after(LONG);
    Version beside = version(SECOND, tenOf(8));
    floorIs(all(LONG));
    assertThat(after(beside)).as("it is not settled itself").isEqualTo(all(beside));
    Version behind = version(new Dot(new ActorId(22), 1), tenOf(8).with(SECOND));
    floorIs(tenOf(8).with(SECOND));
    assertThat(after(behind)).isEqualTo(VersionVector.of(SECOND).with(behind.dot()));
  }

  @Test
  void of256Keys_thoseThatWereLookedAtOfLate_aVersionIsRemembered() {
    for (int others : new int[] {255, 256}) {
      var fresh = new SettledContexts();
      fresh.start(later, () -> stable);
      fresh.contextAfter(KEY, LONG, false);
      for (int i = 0; i < others; i++) {
        fresh.contextAfter(Key.of("other/" + i), LONG, false);
      }
      stable = all(LONG);
      fresh.floor();
      assertThat(fresh.contextAfter(KEY, NEXT, false))
          .isEqualTo(others == 255 ? VersionVector.of(FIRST).with(SECOND) : all(NEXT));
    }
    start();
    after(LONG);
    for (int i = 0; i < 1000; i++) {
      settled.contextAfter(Key.of("other/" + i), LONG, false);
      if (i % 200 == 0) {
        after(LONG);
      }
    }
    floorIs(all(LONG));
    assertThat(after(NEXT)).isEqualTo(VersionVector.of(FIRST).with(SECOND));
  }

  @Test
  void theFloorIsAskedFor_onceASecond_whileContextsAreLong() {
    after(LONG);
    start();
    assertThat(later.tasks).as("before the start nobody can be asked").isEmpty();
    after(LONG);
    after(NEXT);
    assertThat(later.tasks).hasSize(1);
    stable = all(LONG);
    assertThat(settled.isApplied(FIRST)).isFalse();
    later.tasks.remove().run();
    assertThat(settled.isApplied(FIRST)).isTrue();
    assertThat(settled.isApplied(SECOND)).isFalse();
    assertThat(after(NEXT)).isEqualTo(VersionVector.of(FIRST).with(SECOND));
    assertThat(later.tasks).as("it was settled").isEmpty();
    after(NEXT);
    assertThat(later.tasks).hasSize(1);
  }

  @Test
  void aFloorThatCannotBeAsked_isAskedAgain() {
    settled.start(
        later,
        () -> {
          throw new IllegalStateException("closed");
        });
    after(LONG);
    Runnable asking = later.tasks.remove();
    assertThat(catchThrowable(asking::run)).hasMessage("closed");
    after(LONG);
    assertThat(later.tasks).hasSize(1);
  }

  @Test
  void whatIsKnown_isJoinedWithoutWhatIsSettled_withAVersionThatHasSeenIt() {
    start();
    floorIs(all(LONG));
    Bytes payload = Bytes.utf8("v");
    Header known = Header.value(LONG, EU, payload, Header.NEVER);
    Header coming =
        Header.value(version(SECOND, VersionVector.of(FIRST)), EU, payload, Header.NEVER);
    Header deletion = Header.tombstone(coming.version(), EU);
    Header beside = Header.value(version(SECOND, tenOf(8)), EU, payload, Header.NEVER);

    assertThat(settled.toJoin(KEY, known, deletion)).isEqualTo(known);
    assertThat(settled.toJoin(KEY, known, beside)).isEqualTo(known);
    assertThat(settled.toJoin(KEY, known, coming))
        .isEqualTo(known.withVersion(version(FIRST, VersionVector.EMPTY)));
  }
}
