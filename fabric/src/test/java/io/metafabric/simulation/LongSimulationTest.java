package io.metafabric.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Seeds for as long as {@code -Dsim.minutes} says, on all processors, from {@code -Dsim.firstSeed}
 * on or from somewhere new each time; and how fast that was. One seed of {@value #ONE_OF} is run
 * twice and must do the same.
 */
@EnabledIfSystemProperty(
    named = "sim.minutes",
    matches = ".+",
    disabledReason = "takes as long as it is told: -Psimulate -Dsim.minutes=...")
class LongSimulationTest {
  private static final int ONE_OF = 10;

  private final long begunNanos = System.nanoTime();
  private final long first = Long.getLong("sim.firstSeed", System.currentTimeMillis());
  private final AtomicLong next = new AtomicLong(first);
  private final LongAdder runs = new LongAdder();
  private final LongAdder differing = new LongAdder();
  private final LongAdder simulatedMs = new LongAdder();
  private final ConcurrentLinkedQueue<AssertionError> failures = new ConcurrentLinkedQueue<>();

  @Test
  @Timeout(value = 30, unit = TimeUnit.DAYS)
  void seeds() throws InterruptedException {
    double minutes = Double.parseDouble(System.getProperty("sim.minutes"));
    long endNanos = begunNanos + (long) (minutes * 60e9);
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
      var thread = new Thread(() -> runUntil(endNanos), "simulation " + i);
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    System.out.println(summary());
    if (!failures.isEmpty()) {
      AssertionError failure = failures.remove();
      failures.forEach(failure::addSuppressed);
      throw failure;
    }
  }

  private void runUntil(long endNanos) {
    while (System.nanoTime() - endNanos < 0 && failures.isEmpty()) {
      long seed = next.getAndIncrement();
      SeedRun run = run(seed);
      if (run.failure() != null) {
        failures.add(
            new AssertionError(Replay.hint(seed) + run.failure().getMessage(), run.failure()));
      } else if (seed % ONE_OF == 0 && run(seed).hash() != run.hash()) {
        failures.add(new AssertionError(Replay.hint(seed) + "other things happened again"));
      }
      if (run.siblingsDiffer()) {
        differing.increment();
      }
      if (runs.sum() % 1000 == 0) {
        System.out.println(summary());
      }
    }
  }

  private SeedRun run(long seed) {
    var run = new SeedRun(seed);
    run.go(null);
    runs.increment();
    simulatedMs.add(run.simulated().toMillis());
    return run;
  }

  private String summary() {
    double seconds = (System.nanoTime() - begunNanos) / 1e9;
    return String.format(
        Locale.ROOT,
        "%d runs of seeds %d to %d, %.1f a second; %s simulated, %.0f seconds a second; %d left"
            + " siblings different",
        runs.sum(),
        first,
        next.get() - 1,
        runs.sum() / seconds,
        Duration.ofSeconds(simulatedMs.sum() / 1000),
        simulatedMs.sum() / 1e3 / seconds,
        differing.sum());
  }
}
