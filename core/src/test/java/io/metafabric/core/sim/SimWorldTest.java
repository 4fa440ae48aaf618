package io.metafabric.core.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SimWorldTest {
  static final Duration SECOND = Duration.ofSeconds(1);

  final SimWorld world = new SimWorld(7);
  final List<String> seen = new ArrayList<>();

  @Test
  void eventsHappenInTheOrderOfTheirTime_andAtOneTimeInTheOrderOfPlanning() {
    world.after(Duration.ofMillis(2), () -> seen.add("c"));
    world.after(Duration.ofMillis(1), () -> seen.add("a"));
    world.after(Duration.ofMillis(1), () -> seen.add("b"));

    world.runFor(SECOND);

    assertThat(seen).containsExactly("a", "b", "c");
  }

  @Test
  void timePassesByEventsAlone() {
    world.after(Duration.ofHours(3), () -> seen.add("late"));

    assertThat(world.nanoTime()).isZero();
    assertThat(world.step()).isTrue();

    assertThat(world.nanoTime()).isEqualTo(Duration.ofHours(3).toNanos());
    assertThat(world.step()).isFalse();
  }

  @Test
  void runForEndsExactlyAfterItsTime() {
    world.after(SECOND, () -> seen.add("due"));
    world.after(SECOND.plusNanos(1), () -> seen.add("not due"));

    world.runFor(SECOND);

    assertThat(seen).containsExactly("due");
    assertThat(world.nanoTime()).isEqualTo(SECOND.toNanos());
  }

  @Test
  void aCancelledEvent_neitherHappensNorLetsTimePass() {
    world.after(SECOND, () -> seen.add("cancelled")).cancel();

    assertThat(world.step()).isFalse();
    assertThat(world.nanoTime()).isZero();
    assertThat(seen).isEmpty();
  }

  @Test
  void runUntil_stopsAtTheEventThatMakesItTrue() {
    world.after(SECOND, () -> seen.add("one"));
    world.after(SECOND.multipliedBy(2), () -> seen.add("two"));

    world.runUntil(() -> seen.size() == 1, Duration.ofMinutes(1));

    assertThat(world.nanoTime()).isEqualTo(SECOND.toNanos());
  }

  @Test
  void aConditionThatNeverHolds_failsWithSeedTimeAndTrace() {
    world.after(SECOND, () -> world.trace("paris says hello"));
    world.after(Duration.ofHours(1), () -> seen.add("too late"));

    assertThatThrownBy(() -> world.runUntil("the moon", () -> false, Duration.ofMinutes(1)))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("the moon did not come true within PT1M")
        .hasMessageContaining("seed 7")
        .hasMessageContaining("virtual time 60.000000000")
        .hasMessageContaining("1.000000000 paris says hello");
    assertThat(seen).isEmpty();
  }

  @Test
  void await_returnsWhatTheFutureHolds() {
    var future = new CompletableFuture<String>();
    world.after(SECOND, () -> future.complete("done"));

    assertThat(world.await(future, Duration.ofMinutes(1))).isEqualTo("done");
  }

  @Test
  void aTaskThatThrows_isRecorded_andFailsTheRun() {
    world.after(SECOND, "the bad one", () -> throwIt(new IllegalStateException("broken")));
    world.after(SECOND, () -> seen.add("the good one"));

    assertThatThrownBy(() -> world.runFor(Duration.ofMinutes(1)))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("seed 7")
        .hasMessageContaining("the bad one")
        .hasRootCauseMessage("broken");

    world.runFor(Duration.ofMinutes(1));
    assertThat(seen).containsExactly("the good one");
    assertThat(world.failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.where()).isEqualTo("the bad one"))
        .satisfies(failure -> assertThat(failure.atNanos()).isEqualTo(SECOND.toNanos()));
  }

  @Test
  void aToleratedFailure_isRecordedAlone() {
    world.tolerateFailures();
    world.after(SECOND, () -> throwIt(new AssertionError("expected")));

    world.runFor(Duration.ofMinutes(1));

    assertThat(world.failures()).hasSize(1);
  }

  @Test
  void tasksThatCallEachOtherWithoutDelay_areFound() {
    class Loop implements Runnable {
      @Override
      public void run() {
        world.after(Duration.ZERO, this);
      }
    }
    new Loop().run();

    assertThatThrownBy(() -> world.runFor(SECOND))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("time stands still");
  }

  @Test
  void aTaskCannotWaitForAnother() {
    world.tolerateFailures();
    world.after(SECOND, () -> world.runFor(SECOND));

    world.runFor(Duration.ofMinutes(1));

    assertThat(world.failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.cause()).hasMessageContaining("must not step"));
  }

  @Test
  void anotherThreadMayNotTouchTheWorld() throws InterruptedException {
    var refused = new CompletableFuture<Throwable>();
    var stranger = new Thread(() -> world.after(SECOND, () -> {}));
    stranger.setUncaughtExceptionHandler((thread, e) -> refused.complete(e));
    stranger.start();
    stranger.join();

    assertThat(refused).isCompletedWithValueMatching(IllegalStateException.class::isInstance);
  }

  @Test
  void aForkDependsOnSeedAndNameAlone() {
    long[] undisturbed = numbers(new SimWorld(7), "disk");
    world.random().nextLong();
    world.fork("other").nextLong();

    assertThat(numbers(world, "disk")).isEqualTo(undisturbed);
    assertThat(numbers(world, "link")).isNotEqualTo(undisturbed);
    assertThat(numbers(new SimWorld(8), "disk")).isNotEqualTo(undisturbed);
  }

  private static long[] numbers(SimWorld world, String fork) {
    var random = world.fork(fork);
    return LongStream.generate(random::nextLong).limit(8).toArray();
  }

  @Test
  void theTraceIsBounded_andItsHashIsNot() {
    for (int i = 0; i < 10_000; i++) {
      world.trace("line " + i);
    }
    var other = new SimWorld(7);
    for (int i = 1; i < 10_000; i++) {
      other.trace("line " + i);
    }

    assertThat(world.trace()).hasSizeLessThan(5_000).last().asString().endsWith("line 9999");
    assertThat(world.trace()).isEqualTo(other.trace());
    assertThat(world.traceHash()).isNotEqualTo(other.traceHash());
  }

  @Test
  void oneSeedGivesOneRun_andAnotherSeedAnother() {
    String once = story(11);

    assertThat(story(11)).isEqualTo(once);
    assertThat(story(12)).isNotEqualTo(once);
  }

  /** Two nodes that write, jitter, pause and crash at random; returns all that can be told. */
  private static String story(long seed) {
    var world = new SimWorld(seed);
    world.jitter(Duration.ofMillis(5));
    var nodes = List.of(new SimNode(world, "paris"), new SimNode(world, "tokyo"));
    for (int round = 0; round < 50; round++) {
      SimNode node = nodes.get(world.random().nextInt(nodes.size()));
      var executor = node.scheduler().serial("writer");
      var file = node.disk().open("file");
      executor.execute(() -> SimDiskTest.write(file, file.sizeBytes(), "round"));
      executor.execute(() -> world.trace(node + " has " + file.sizeBytes()));
      executor.schedule(Duration.ofMillis(node.random().nextInt(20)), file::sync);
      if (world.random().nextInt(5) == 0) {
        node.crash();
      }
      world.runFor(Duration.ofMillis(10));
    }
    return world.traceHash() + " " + world.steps() + " " + world.trace();
  }

  private static void throwIt(Error e) {
    throw e;
  }

  private static void throwIt(RuntimeException e) {
    throw e;
  }
}
