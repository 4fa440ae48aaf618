package io.metafabric.core.sim;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;

/**
 * Virtual time, one queue of events, one source of chance: the same seed gives the same run. Time
 * passes by events only. Not thread-safe: all runs on the test's thread.
 */
public final class SimWorld {
  private record Event(long atNanos, long order, Runnable run) implements Comparable<Event> {
    @Override
    public int compareTo(Event that) {
      int byTime = Long.compare(atNanos, that.atNanos);
      return byTime != 0 ? byTime : Long.compare(order, that.order);
    }
  }

  private static final int TRACE_LINES = 200;

  private final long seed;
  private final Random random;
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final Deque<String> trace = new ArrayDeque<>();
  private final List<Throwable> failures = new ArrayList<>();
  private long nowNanos;
  private long scheduled;
  private long traceHash = 17;

  public SimWorld(long seed) {
    this.seed = seed;
    this.random = new Random(seed);
  }

  public long seed() {
    return seed;
  }

  /** Another source of chance, drawn from the world's. */
  public RandomGenerator fork() {
    return new Random(random.nextLong());
  }

  /** Since the world began. */
  public long nanoTime() {
    return nowNanos;
  }

  /** Runs {@code event} in {@code delay}; events at one time run in the order of this call. */
  public void after(Duration delay, Runnable event) {
    events.add(new Event(nowNanos + Math.max(0, delay.toNanos()), scheduled++, event));
  }

  /** Runs the next event; false if there is none. */
  public boolean step() {
    Event next = events.poll();
    if (next == null) {
      return false;
    }
    nowNanos = next.atNanos;
    next.run.run();
    return true;
  }

  public void runFor(Duration duration) {
    long end = nowNanos + duration.toNanos();
    while (!events.isEmpty() && events.peek().atNanos <= end) {
      step();
    }
    nowNanos = end;
    failIfAnythingFailed();
  }

  /** Fails with the seed if {@code condition} does not come true in time. */
  public void runUntil(String what, BooleanSupplier condition, Duration atMost) {
    long end = nowNanos + atMost.toNanos();
    while (!condition.getAsBoolean()) {
      if (events.isEmpty() || events.peek().atNanos > end) {
        throw new AssertionError(describe(what + " did not come true within " + atMost));
      }
      step();
    }
    failIfAnythingFailed();
  }

  private void failIfAnythingFailed() {
    if (!failures.isEmpty()) {
      var error = new AssertionError(describe("a task failed"), failures.get(0));
      failures.stream().skip(1).forEach(error::addSuppressed);
      throw error;
    }
  }

  /** A task threw; the test fails when it next looks. */
  void taskFailed(String where, Throwable failure) {
    trace(where + " failed: " + failure);
    failures.add(failure);
  }

  /** Notes a line; all lines of a run are in {@link #traceHash}, the last ones are printed. */
  public void trace(String line) {
    String timed = String.format("%12.3f ms  %s", nowNanos / 1e6, line);
    traceHash = traceHash * 31 + timed.hashCode();
    trace.add(timed);
    if (trace.size() > TRACE_LINES) {
      trace.remove();
    }
  }

  public long traceHash() {
    return traceHash;
  }

  /** A failure message that can be replayed. */
  public String describe(String what) {
    return "seed "
        + seed
        + ", at "
        + nowNanos / 1_000_000
        + " ms: "
        + what
        + "\n"
        + String.join("\n", trace);
  }
}
