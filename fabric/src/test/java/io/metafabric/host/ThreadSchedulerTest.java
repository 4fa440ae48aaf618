package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ThreadSchedulerTest {
  private static final Duration NEVER = Duration.ofDays(1);

  private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
  private final ThreadScheduler scheduler =
      new ThreadScheduler("paris", (thread, e) -> failures.add(thread + ": " + e.getMessage()));
  private final SerialExecutor serial = scheduler.serial("journal");

  @AfterEach
  void close() {
    Thread.interrupted();
    serial.close();
  }

  /** Waits until everything that came before has run. */
  private static void settle(SerialExecutor executor) {
    var done = new CompletableFuture<Void>();
    executor.execute(() -> done.complete(null));
    done.join();
  }

  private static Thread threadOf(SerialExecutor executor) {
    var thread = new CompletableFuture<Thread>();
    executor.execute(() -> thread.complete(Thread.currentThread()));
    return thread.join();
  }

  @Test
  void theThread_isADaemonWithAName_andHoldsNothingOfItsStarter() {
    Thread thread = threadOf(serial);

    assertThat(thread.getName()).isEqualTo("metafabric-paris-journal");
    assertThat(thread.isDaemon()).isTrue();
    assertThat(thread.getContextClassLoader()).isSameAs(SerialThread.class.getClassLoader());
    assertThat(threadOf(scheduler.serial("other"))).isNotSameAs(thread);
  }

  @Test
  void tasksOfManyProducers_runOneAtATime_eachProducersInOrder() throws InterruptedException {
    int producers = 4;
    int each = 50_000;
    var last = new int[producers];
    var running = new AtomicInteger();
    var disorder = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int p = 0; p < producers; p++) {
      int producer = p;
      threads.add(
          new Thread(
              () -> {
                for (int i = 1; i <= each; i++) {
                  int number = i;
                  serial.execute(
                      () -> {
                        if (running.incrementAndGet() != 1 || last[producer] != number - 1) {
                          disorder.incrementAndGet();
                        }
                        last[producer] = number;
                        running.decrementAndGet();
                      });
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    settle(serial);

    assertThat(disorder).hasValue(0);
    assertThat(last).containsOnly(each);
  }

  @Test
  void aSleepingThread_isAlwaysWoken() {
    for (int i = 0; i < 20_000; i++) {
      settle(serial);
    }
  }

  @Test
  void aTaskThatThrows_isReported_andTheNextRuns() {
    serial.execute(
        () -> {
          throw new IllegalStateException("broken");
        });
    serial.execute(
        () -> {
          throw new AssertionError("worse");
        });
    Thread thread = threadOf(serial);

    assertThat(failures)
        .containsExactly("metafabric-paris-journal: broken", "metafabric-paris-journal: worse");
    assertThat(thread.isAlive()).isTrue();
  }

  @Test
  void aListenerThatThrows_doesNotEndTheThread() {
    var deaf =
        new ThreadScheduler(
            "paris",
            (thread, e) -> {
              throw new IllegalStateException("expected by the test", e);
            });
    try (SerialExecutor executor = deaf.serial("deaf")) {
      executor.execute(
          () -> {
            throw new IllegalStateException("expected by the test");
          });
      settle(executor);
    }
  }

  @Test
  void anInterruptThatATaskLeaves_doesNotReachTheNext() {
    var seen = new CompletableFuture<Boolean>();
    serial.execute(() -> Thread.currentThread().interrupt());
    serial.execute(() -> seen.complete(Thread.currentThread().isInterrupted()));

    assertThat(seen.join()).isFalse();
  }

  @Test
  void aDelayedTask_runsAfterItsDelay_amongTheOthers() {
    long began = System.nanoTime();
    var ran = new CompletableFuture<Long>();
    serial.schedule(Duration.ofMillis(20), () -> ran.complete(System.nanoTime()));

    assertThat(ran.join() - began).isGreaterThanOrEqualTo(20_000_000);
  }

  @Test
  void delayedTasks_runInTheOrderOfTheirTime_andThenOfTheirArrival() {
    var order = new ConcurrentLinkedQueue<String>();
    var last = new CompletableFuture<Void>();
    serial.schedule(
        Duration.ofMillis(60),
        () -> {
          order.add("d");
          last.complete(null);
        });
    serial.schedule(Duration.ofMillis(30), () -> order.add("c"));
    serial.schedule(Duration.ZERO, () -> order.add("a"));
    serial.schedule(Duration.ofSeconds(-5), () -> order.add("b"));
    last.join();

    assertThat(order).containsExactlyInAnyOrder("a", "b", "c", "d").endsWith("c", "d");
  }

  @Test
  void aTaskThatSchedulesItselfAtOnce_doesNotStarveTheOthers() {
    var stop = new AtomicBoolean();
    class Again implements Runnable {
      @Override
      public void run() {
        if (!stop.get()) {
          serial.schedule(Duration.ZERO, this);
        }
      }
    }
    new Again().run();

    settle(serial);
    stop.set(true);
  }

  @Test
  void aDelayBeyondAllTime_isTaken() {
    serial.schedule(Duration.ofSeconds(Long.MAX_VALUE), () -> failures.add("already"));
    settle(serial);
    settle(serial);

    assertThat(failures).isEmpty();
  }

  @Test
  void aCancelledTask_doesNotRun() {
    var ran = new AtomicBoolean();
    var later = new CompletableFuture<Void>();
    serial.schedule(Duration.ofMillis(5), () -> ran.set(true)).cancel();
    serial.schedule(Duration.ofMillis(10), () -> later.complete(null));
    later.join();

    assertThat(ran).isFalse();
  }

  @Test
  void cancelledTasks_areNotKeptUntilTheirTime() {
    for (int i = 0; i < 20_000; i++) {
      serial.schedule(NEVER, () -> {}).cancel();
    }
    for (int i = 0; i < 100; i++) {
      serial.schedule(NEVER, () -> {});
    }
    var kept = new CompletableFuture<Integer>();
    serial.execute(() -> kept.complete(((SerialThread) serial).timersKept()));

    assertThat(kept.join()).isBetween(100, 1_000);
  }

  @Test
  void close_waitsForTheRunningTask_andBeginsNoOther() throws InterruptedException {
    var begun = new CountDownLatch(1);
    var proceed = new CountDownLatch(1);
    var finished = new AtomicBoolean();
    var others = new AtomicInteger();
    serial.execute(
        () -> {
          begun.countDown();
          awaitQuietly(proceed);
          finished.set(true);
        });
    serial.execute(others::incrementAndGet);
    serial.schedule(Duration.ZERO, others::incrementAndGet);
    begun.await();
    var finishedAtClose = new AtomicReference<Boolean>();
    var closer =
        new Thread(
            () -> {
              serial.close();
              finishedAtClose.set(finished.get());
            });
    closer.start();
    awaitWaiting(closer);
    assertThat(closer.isAlive()).isTrue();

    proceed.countDown();
    closer.join();
    serial.execute(others::incrementAndGet);
    serial.schedule(Duration.ZERO, others::incrementAndGet);

    assertThat(finishedAtClose).hasValue(true);
    assertThat(others).hasValue(0);
  }

  @Test
  void anInterruptedCloser_waitsAllTheSame_andStaysInterrupted() throws InterruptedException {
    var begun = new CountDownLatch(1);
    var proceed = new CountDownLatch(1);
    var finished = new AtomicBoolean();
    serial.execute(
        () -> {
          begun.countDown();
          awaitQuietly(proceed);
          finished.set(true);
        });
    begun.await();
    var seen = new AtomicReference<String>();
    var closer =
        new Thread(
            () -> {
              serial.close();
              seen.set("finished " + finished + ", interrupted " + Thread.interrupted());
            });
    closer.start();
    awaitWaiting(closer);
    closer.interrupt();
    proceed.countDown();
    closer.join();

    assertThat(seen).hasValue("finished true, interrupted true");
  }

  @Test
  void aTaskThatClosesItsOwnExecutor_doesNotWaitForItself() throws InterruptedException {
    Thread thread = threadOf(serial);
    serial.execute(serial::close);
    thread.join();

    assertThat(thread.isAlive()).isFalse();
    serial.close();
  }

  @Test
  void close_leavesNoThread_howeverBusyItWas() throws InterruptedException {
    for (int round = 0; round < 500; round++) {
      SerialExecutor executor = scheduler.serial("round");
      Thread thread = threadOf(executor);
      var producer =
          new Thread(
              () -> {
                for (int i = 0; i < 50; i++) {
                  executor.execute(() -> {});
                  executor.schedule(NEVER, () -> {});
                }
              });
      producer.start();
      executor.close();
      assertThat(thread.isAlive()).isFalse();
      producer.join();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody may interrupt a task", e);
    }
  }

  private static void awaitWaiting(Thread thread) {
    while (thread.getState() != Thread.State.WAITING && thread.isAlive()) {
      Thread.onSpinWait();
    }
  }
}
