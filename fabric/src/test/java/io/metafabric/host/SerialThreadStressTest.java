package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.stress.Interleavings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Real threads: what is asked here is whether the one that sleeps is woken. */
@Tag("stress")
class SerialThreadStressTest {
  private static final int PRODUCERS = 2;
  private static final int EACH = 300;
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

  /** Each waits for its task to be run before it submits the next, so the thread often sleeps. */
  @Test
  void aTaskThatMeetsTheThreadFallingAsleep_isRun() throws Exception {
    int rounds = Interleavings.times(5);
    for (int round = 0; round < rounds; round++) {
      try (var thread = SerialThread.start("stress", (name, failure) -> {})) {
        var within = new AtomicInteger();
        var overlaps = new AtomicInteger();
        Interleavings.Part producer =
            () -> {
              for (int i = 0; i < EACH; i++) {
                var ran = new CountDownLatch(1);
                Runnable task =
                    () -> {
                      overlaps.addAndGet(within.getAndIncrement());
                      within.decrementAndGet();
                      ran.countDown();
                    };
                if (i % 3 == 0) {
                  thread.schedule(Duration.ofNanos(i * 1_000L), task);
                } else {
                  thread.execute(task);
                }
                assertThat(ran.await(30, TimeUnit.SECONDS)).as("task %d ran", i).isTrue();
              }
            };
        Interleavings.race(producer, producer);
        assertThat(overlaps).as("round %d: two at once", round).hasValue(0);
      }
    }
  }

  /**
   * The second task of two comes about when the thread, done with the first, is to fall asleep: how
   * long that takes, and how long the producer waits, is drawn anew for each pair.
   */
  @Test
  void aThreadThatFallsAsleep_isWoken() {
    int pairs = Interleavings.times(20_000);
    var random = new Random(1);
    try (var thread = SerialThread.start("stress", (name, failure) -> {})) {
      var ran = new AtomicInteger();
      for (int pair = 1; pair <= pairs; pair++) {
        int length = random.nextInt(40);
        thread.execute(
            () -> {
              spin(length);
              ran.incrementAndGet();
            });
        spin(random.nextInt(60));
        thread.execute(ran::incrementAndGet);
        awaitCount(ran, 2 * pair);
      }
    }
  }

  private static void spin(int times) {
    for (int i = 0; i < times; i++) {
      Thread.onSpinWait();
    }
  }

  private static void awaitCount(AtomicInteger ran, int tasks) {
    long begun = System.nanoTime();
    for (int spins = 1; ran.get() < tasks; spins++) {
      Thread.onSpinWait();
      if (spins % 1_000 == 0) {
        Thread.yield();
        assertThat(System.nanoTime() - begun).as("task %d waits", tasks).isLessThan(PATIENCE);
      }
    }
  }

  @Test
  void tasksOfOneProducer_keepTheirOrder_andRunOnce() throws Exception {
    int rounds = Interleavings.times(10);
    for (int round = 0; round < rounds; round++) {
      try (var thread = SerialThread.start("stress", (name, failure) -> {})) {
        List<List<Integer>> ran = new ArrayList<>();
        List<Interleavings.Part> parts = new ArrayList<>();
        for (int producer = 0; producer < PRODUCERS; producer++) {
          var mine = new ArrayList<Integer>();
          ran.add(mine);
          parts.add(
              () -> {
                for (int i = 0; i < EACH; i++) {
                  int number = i;
                  thread.execute(() -> mine.add(number));
                }
              });
        }
        Interleavings.race(parts.toArray(new Interleavings.Part[0]));
        var last = new CountDownLatch(1);
        thread.execute(last::countDown);
        assertThat(last.await(30, TimeUnit.SECONDS)).isTrue();
        for (List<Integer> each : ran) {
          assertThat(each).as("round %d", round).hasSize(EACH).isSorted().doesNotHaveDuplicates();
        }
      }
    }
  }

  @Test
  void anEndThatMeetsTasks_neverHangs_andNothingRunsAfterIt() {
    int rounds = Interleavings.times(100);
    for (int round = 0; round < rounds; round++) {
      var thread = SerialThread.start("stress", (name, failure) -> {});
      var ended = new AtomicInteger();
      var late = new AtomicInteger();
      Interleavings.race(
          () -> {
            for (int i = 0; i < 50; i++) {
              thread.execute(() -> late.addAndGet(ended.get()));
            }
          },
          () -> {
            thread.close();
            ended.set(1);
          });
      assertThat(late).as("round %d", round).hasValue(0);
    }
  }
}
