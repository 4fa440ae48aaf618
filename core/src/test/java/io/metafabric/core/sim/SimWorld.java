package io.metafabric.core.sim;

import io.metafabric.core.codec.Checksums;
import io.metafabric.core.port.SerialExecutor;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A world of one thread in which time passes from event to event: the same seed gives the same run.
 *
 * <p>Every draw comes from the seed, every wait is an event in one queue, so that hours of
 * partitions take a second, and a failure replays. A task that throws makes the running {@code
 * runFor} or {@code runUntil} fail, with seed, virtual time and the newest lines of the trace,
 * unless {@link #tolerateFailures} was called.
 */
public final class SimWorld {
  /** The wall clock of a node without skew, when the world begins: 2025-06-15T15:06:40Z. */
  public static final long EPOCH_MS = 1_750_000_000_000L;

  private static final int TAIL_LINES = 60;
  private static final int MAX_FRAME_TEXT = 2000;

  /** More than this at one instant is two tasks that call each other for ever. */
  private static final int MAX_EVENTS_PER_INSTANT = 1_000_000;

  private final long seed;
  private final Thread owner = Thread.currentThread();
  private final RandomGenerator random;
  private final RandomGenerator jitterRandom;
  private final SimTrace trace = new SimTrace();
  private final PriorityQueue<SimEvent> queue = new PriorityQueue<>();
  private final List<SimFailure> failures = new ArrayList<>();

  private long nowNanos;
  private long planned;
  private long steps;
  private int eventsAtThisInstant;
  private int surfaced;
  private boolean tolerant;
  private boolean stepping;
  private long jitterNanos;

  public SimWorld(long seed) {
    this.seed = seed;
    this.random = fork("world");
    this.jitterRandom = fork("jitter");
  }

  public long seed() {
    return seed;
  }

  /** Virtual time since the world began. */
  public long nanoTime() {
    return nowNanos;
  }

  /** The world's own randomness, for tests and for what belongs to no node. */
  public RandomGenerator random() {
    return random;
  }

  /**
   * Randomness that depends on the seed and {@code name} alone: what others draw in between does
   * not change it. The same name gives the same numbers again.
   */
  public RandomGenerator fork(String name) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ name.charAt(i)) * 0x100000001b3L;
    }
    return new SplittableRandom(seed * 0x9e3779b97f4a7c15L ^ hash);
  }

  /**
   * Delays every task of every executor by up to {@code max}, at random, so that executors overtake
   * each other as threads do. Within one executor the order of arrival stays. None by default.
   */
  public void jitter(Duration max) {
    jitterNanos = max.toNanos();
  }

  long drawJitterNanos() {
    return jitterNanos == 0 ? 0 : jitterRandom.nextLong(jitterNanos + 1);
  }

  /** Runs {@code event} in {@code delay}; events at one time run in the order of this call. */
  public SerialExecutor.Task after(Duration delay, Runnable event) {
    return after(delay, "event", event);
  }

  /**
   * The same.
   *
   * @param what is for the hash of the trace, and for people if it fails
   */
  public SerialExecutor.Task after(Duration delay, String what, Runnable action) {
    return afterNanos(delay.toNanos(), what, action);
  }

  SerialExecutor.Task afterNanos(long delayNanos, String what, Runnable action) {
    checkThread();
    long atNanos = Math.addExact(nowNanos, Math.max(0, delayNanos));
    var event = new SimEvent(atNanos, planned++, what, action);
    queue.add(event);
    return event;
  }

  /** Lets the next event happen; false if there is none. What its task throws is recorded. */
  public boolean step() {
    checkOutside();
    if (nextAtNanos() == null) {
      return false;
    }
    SimEvent event = queue.remove();
    eventsAtThisInstant = event.atNanos() == nowNanos ? eventsAtThisInstant + 1 : 0;
    if (eventsAtThisInstant > MAX_EVENTS_PER_INSTANT) {
      throw new AssertionError(describe("time stands still: tasks plan each other without delay"));
    }
    nowNanos = event.atNanos();
    steps++;
    trace.mix(nowNanos, event.what());
    if (trace.isWritten()) {
      trace.aside(nowNanos, "  " + event.what());
    }
    stepping = true;
    try {
      event.run();
    } catch (Throwable e) {
      record(event.what(), e);
    } finally {
      stepping = false;
    }
    return true;
  }

  private @Nullable Long nextAtNanos() {
    while (!queue.isEmpty() && queue.element().isCancelled()) {
      queue.remove();
    }
    return queue.isEmpty() ? null : queue.element().atNanos();
  }

  /** Lets everything happen that is due within {@code time}, which has passed at the end. */
  public void runFor(Duration time) {
    checkOutside();
    long until = Math.addExact(nowNanos, time.toNanos());
    while (stepBefore(until)) {
      surfaceFailures();
    }
    nowNanos = until;
    surfaceFailures();
  }

  /**
   * Lets things happen until {@code condition} holds.
   *
   * @throws AssertionError if it does not within {@code atMost}
   */
  public void runUntil(BooleanSupplier condition, Duration atMost) {
    runUntil("the condition", condition, atMost);
  }

  /**
   * The same.
   *
   * @param what is awaited, for the message
   */
  public void runUntil(String what, BooleanSupplier condition, Duration atMost) {
    checkOutside();
    long until = Math.addExact(nowNanos, atMost.toNanos());
    while (!condition.getAsBoolean()) {
      if (!stepBefore(until)) {
        String why = nextAtNanos() == null ? " and nothing is left that could happen" : "";
        nowNanos = until;
        throw new AssertionError(describe(what + " did not come true within " + atMost + why));
      }
      surfaceFailures();
    }
    surfaceFailures();
  }

  /** Lets things happen until {@code future} is done, and returns or throws what it holds. */
  public <T> T await(CompletableFuture<T> future, Duration atMost) {
    runUntil("the future", future::isDone, atMost);
    return future.join();
  }

  private boolean stepBefore(long untilNanos) {
    Long next = nextAtNanos();
    return next != null && next <= untilNanos && step();
  }

  /** How many events have happened. */
  public long steps() {
    return steps;
  }

  /** From now on tasks that throw are recorded alone. */
  public void tolerateFailures() {
    tolerant = true;
  }

  /** All tasks that threw, the oldest first. */
  public List<SimFailure> failures() {
    return List.copyOf(failures);
  }

  void record(String where, Throwable cause) {
    var failure = new SimFailure(nowNanos, where, cause);
    failures.add(failure);
    trace("failed: " + failure);
  }

  private void surfaceFailures() {
    if (!tolerant && surfaced < failures.size()) {
      SimFailure first = failures.get(surfaced);
      var error = new AssertionError(describe("a task failed: " + first), first.cause());
      failures.stream().skip(surfaced + 1).forEach(later -> error.addSuppressed(later.cause()));
      surfaced = failures.size();
      throw error;
    }
  }

  /** Notes what happens. All lines and events of a run are in {@link #traceHash}. */
  public void trace(String line) {
    checkThread();
    trace.line(nowNanos, line);
  }

  /** Writes all that counts from now on to {@code target} too, for people. */
  public void traceTo(PrintWriter target) {
    trace.writeTo(target);
  }

  /** Counts in the hash: what was done to what, and what came of it. */
  public void note(String what, String about, long detail, long result) {
    trace.mix(what.hashCode());
    trace.mix(about.hashCode());
    trace.mix(detail);
    trace.mix(result);
    if (trace.isWritten()) {
      trace.aside(nowNanos, "  " + what + " " + about + " " + detail + ": " + result);
    }
  }

  /** Counts in the hash: a frame that arrives. */
  void noteFrame(String from, String to, byte[] bytes, Object frame) {
    trace.mix(from.hashCode());
    trace.mix(to.hashCode());
    trace.mix(Checksums.crc32c(bytes, 0, bytes.length));
    if (trace.isWritten()) {
      String text = frame.toString();
      trace.aside(
          nowNanos,
          "  "
              + from
              + " to "
              + to
              + ": "
              + text.substring(0, Math.min(text.length(), MAX_FRAME_TEXT)));
    }
  }

  /** The newest lines of the trace, each with its virtual time in seconds. */
  public List<String> trace() {
    return trace.lines();
  }

  /** Of every event and every line of the trace so far: equal for equal runs. */
  public long traceHash() {
    return trace.hash();
  }

  /** A failure message with which the run can be replayed. */
  public String describe(String what) {
    return what
        + "\n  seed "
        + seed
        + ", virtual time "
        + SimTrace.timeOf(nowNanos)
        + " s, step "
        + steps
        + "\n  trace, newest last:\n    "
        + String.join("\n    ", trace.tail(TAIL_LINES));
  }

  private void checkOutside() {
    checkThread();
    if (stepping) {
      throw new IllegalStateException(
          "a task must not step the world that runs it: no task may wait for another");
    }
  }

  private void checkThread() {
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "the world belongs to thread " + owner.getName() + ", not " + Thread.currentThread());
    }
  }
}
