package io.metafabric.core.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class SimNodeTest {
  static final Duration SECOND = Duration.ofSeconds(1);

  final SimWorld world = new SimWorld(1);
  final SimNode node = new SimNode(world, "paris");
  final List<String> seen = new ArrayList<>();

  private Runnable see(String what) {
    return () -> seen.add(what);
  }

  @Test
  void tasksRunInTheOrderOfArrival_andNeverOnTheCallersStack() {
    SerialExecutor executor = node.scheduler().serial("one");
    executor.execute(
        () -> {
          executor.execute(see("third"));
          seen.add("first");
        });
    executor.execute(see("second"));
    assertThat(seen).isEmpty();

    world.runFor(SECOND);

    assertThat(seen).containsExactly("first", "second", "third");
  }

  @RepeatedTest(20)
  void jitterLetsExecutorsOvertakeEachOther_butNoTaskItsPredecessor(RepetitionInfo run) {
    var jittery = new SimWorld(run.getCurrentRepetition());
    jittery.jitter(Duration.ofMillis(1));
    var paris = new SimNode(jittery, "paris");
    SerialExecutor one = paris.scheduler().serial("one");
    SerialExecutor two = paris.scheduler().serial("two");
    for (int i = 0; i < 100; i++) {
      one.execute(see("one " + (100 + i)));
      two.execute(see("two " + (100 + i)));
    }

    jittery.runFor(SECOND);

    assertThat(seen.stream().filter(task -> task.startsWith("one"))).hasSize(100).isSorted();
    assertThat(seen.stream().filter(task -> task.startsWith("two"))).hasSize(100).isSorted();
    assertThat(seen).isNotEqualTo(inTurns());
  }

  private static List<String> inTurns() {
    var turns = new ArrayList<String>();
    for (int i = 0; i < 100; i++) {
      turns.add("one " + (100 + i));
      turns.add("two " + (100 + i));
    }
    return turns;
  }

  @Test
  void aDelayedTask_runsAfterItsDelay_unlessItIsCancelled() {
    SerialExecutor executor = node.scheduler().serial("one");
    executor.schedule(SECOND, see("kept"));
    executor.schedule(SECOND, see("cancelled")).cancel();

    world.runFor(SECOND.minusNanos(1));
    assertThat(seen).isEmpty();
    world.runFor(Duration.ofNanos(1));
    assertThat(seen).containsExactly("kept");
  }

  @Test
  void aClosedExecutor_beginsNothingMore() {
    SerialExecutor executor = node.scheduler().serial("one");
    executor.execute(see("queued"));
    executor.schedule(SECOND, see("delayed"));
    assertThat(node.openExecutors()).containsExactly("paris/one");

    executor.close();
    executor.execute(see("late"));
    world.runFor(SECOND.multipliedBy(2));

    assertThat(seen).isEmpty();
    assertThat(node.openExecutors()).isEmpty();
  }

  @Test
  void aTaskThatThrows_doesNotStopTheNext() {
    world.tolerateFailures();
    SerialExecutor executor = node.scheduler().serial("one");
    executor.execute(
        () -> {
          throw new IllegalStateException("broken");
        });
    executor.execute(see("next"));

    world.runFor(SECOND);

    assertThat(seen).containsExactly("next");
    assertThat(world.failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.where()).isEqualTo("paris/one"));
  }

  @Test
  void afterACrash_noTaskOfThatLifeEverRuns() {
    SerialExecutor executor = node.scheduler().serial("one");
    executor.execute(see("queued"));
    executor.schedule(SECOND, see("delayed"));

    node.crash();
    executor.execute(see("late"));
    executor.schedule(SECOND, see("later"));
    world.runFor(Duration.ofHours(1));

    assertThat(seen).isEmpty();
    assertThat(node.life()).isEqualTo(2);
  }

  @Test
  void afterACrash_theNextLifeHasTheSameDiskAndOtherRandomness() {
    long drawnBefore = node.random().nextLong();
    var before = node.disk();
    try (var file = before.open("kept")) {
      SimDiskTest.write(file, 0, "hello");
      file.sync();
    }
    before.syncDirectory();

    node.crash();
    node.scheduler().serial("one").execute(see("alive"));
    world.runFor(SECOND);

    assertThat(seen).containsExactly("alive");
    assertThat(node.disk().contentOf("kept")).asString().isEqualTo("hello");
    assertThat(node.random().nextLong()).isNotEqualTo(drawnBefore);
    assertThatThrownBy(() -> before.open("kept")).isInstanceOf(StorageException.class);
  }

  @Test
  void aCrashInTheMiddleOfATask_leavesItNothingButFailures() {
    SerialExecutor executor = node.scheduler().serial("one");
    executor.execute(
        () -> {
          var file = node.disk().open("file");
          node.disk().beforeOperation(1, () -> node.crash(SimDisk.Loss.NONE));
          SimDiskTest.write(file, 0, "before");
          SimDiskTest.write(file, 0, "beyond");
          seen.add("survived");
        });

    world.runFor(SECOND);

    assertThat(seen).isEmpty();
    assertThat(node.life()).isEqualTo(2);
    assertThat(node.disk().contentOf("file")).asString().isEqualTo("before");
    assertThat(world.failures()).as("what a dying process throws").isEmpty();
  }

  @Test
  void whoListensIsToldOfEveryCrash() {
    node.whenCrashed(() -> seen.add("life " + node.life() + " begins"));

    node.crash();
    node.crash();

    assertThat(seen).containsExactly("life 2 begins", "life 3 begins");
  }

  @Test
  void theWallClockJumpsAndTheOtherDoesNot() {
    var clock = node.clock();
    long wall = clock.wallMs();
    long nanos = clock.nanoTime();

    node.jumpWall(Duration.ofHours(-1));
    world.runFor(SECOND);
    assertThat(clock.wallMs() - wall).isEqualTo(1000 - 3_600_000);
    assertThat(clock.nanoTime() - nanos).isEqualTo(SECOND.toNanos());

    node.setSkew(Duration.ofMinutes(5));
    assertThat(clock.wallMs() - wall).isEqualTo(1000 + 300_000);
  }

  @Test
  void nanosecondsOfTwoLivesHaveNothingToDoWithEachOther() {
    long before = node.clock().nanoTime();
    node.crash();

    assertThat(node.clock().nanoTime()).isNotEqualTo(before);
  }

  @Test
  void aPausedNode_catchesUpInOrderOnceItResumes() {
    SerialExecutor executor = node.scheduler().serial("one");
    executor.execute(see("first"));
    node.pause();
    executor.schedule(SECOND, see("second"));
    world.runFor(SECOND.multipliedBy(2));
    assertThat(seen).isEmpty();

    executor.execute(see("third"));
    node.resume();
    world.runFor(Duration.ZERO);

    assertThat(seen).containsExactly("first", "second", "third");
  }

  @Test
  void aPausedNodeThatCrashes_forgetsWhatItHeld() {
    node.scheduler().serial("one").execute(see("held"));
    node.pause();
    world.runFor(SECOND);

    node.crash();
    node.scheduler().serial("one").execute(see("next life"));
    world.runFor(SECOND);

    assertThat(seen).containsExactly("next life");
  }
}
