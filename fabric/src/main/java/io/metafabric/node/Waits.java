package io.metafabric.node;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Callers that wait until something is known here or elsewhere: all are looked at again whenever
 * something has come that they may wait for, and once a tick. Holds {@value #MAX_BYTES} bytes at
 * most, by estimate; who comes beyond that is refused, and counted. Thread-safe; what is not said
 * to be for any thread runs on the loop.
 */
final class Waits {
  static final long MAX_BYTES = 16 << 20;

  /** What somebody waits for, beside what the attempt names itself: futures, timer, places. */
  private static final long OVERHEAD_BYTES = 512;

  /** What somebody waits for. On the loop. */
  interface Attempt {
    /** What the caller waits for. Once it is done, however that came, nothing is tried any more. */
    CompletableFuture<?> ended();

    /** Completes {@link #ended} if it can. What it throws, that completes with. */
    void tryNow();

    /** It took too long: completes {@link #ended}. As {@link #tryNow}. */
    void giveUp();
  }

  private static final class Waiting {
    final Attempt attempt;
    final long bytes;
    final long untilNanos;
    SerialExecutor.Task lastTry = () -> {};

    Waiting(Attempt attempt, long bytes, long untilNanos) {
      this.attempt = attempt;
      this.bytes = bytes;
      this.untilNanos = untilNanos;
    }
  }

  private final SerialExecutor loop;
  private final Clock clock;
  private final AtomicBoolean queued = new AtomicBoolean();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicInteger callers = new AtomicInteger();
  private final AtomicLong refused = new AtomicLong();
  private List<Waiting> waiting = new ArrayList<>();

  /** On their way to the loop, which may end before. Guarded by itself, as is the flag. */
  private final Set<Waiting> coming = new LinkedHashSet<>();

  private boolean closed;

  Waits(SerialExecutor loop, Clock clock) {
    this.loop = loop;
    this.clock = clock;
  }

  /**
   * Tries until the caller need not wait any more, but not for longer than {@code timeout}. Any
   * thread, also after {@link #close}.
   *
   * @param named bytes that the attempt holds for as long as it waits
   */
  void add(Attempt attempt, long named, Duration timeout) {
    long charge = named + OVERHEAD_BYTES;
    if (bytes.addAndGet(charge) > MAX_BYTES) {
      bytes.addAndGet(-charge);
      refused.incrementAndGet();
      attempt
          .ended()
          .completeExceptionally(
              new OverloadedException(
                  "callers that wait for other regions hold more than "
                      + MAX_BYTES
                      + " bytes; begin fewer at a time, or give them shorter timeouts"));
      return;
    }
    callers.incrementAndGet();
    var each = new Waiting(attempt, charge, clock.nanoTime() + timeout.toNanos());
    boolean late;
    synchronized (coming) {
      late = closed || !coming.add(each);
    }
    if (late) {
      end(each);
    } else {
      // What the loop does not come to any more, close() ends.
      loop.execute(() -> begin(each, timeout));
    }
  }

  private void begin(Waiting each, Duration timeout) {
    synchronized (coming) {
      if (!coming.remove(each)) {
        return;
      }
    }
    if (!isOver(each)) {
      waiting.add(each);
      // Else one that is shorter than a tick would last for one.
      each.lastTry = loop.schedule(timeout, this::tick);
    }
  }

  private void leave(Waiting each) {
    bytes.addAndGet(-each.bytes);
    callers.decrementAndGet();
  }

  private void end(Waiting each) {
    leave(each);
    each.attempt
        .ended()
        .completeExceptionally(
            new FabricClosedException(
                "the fabric was closed, or its region is opened anew, while this waited"));
  }

  /** Something has come that somebody may wait for. Any thread; costs nothing if nobody waits. */
  void advanced() {
    if (bytes.get() > 0 && queued.compareAndSet(false, true)) {
      loop.execute(
          () -> {
            queued.set(false);
            tick();
          });
    }
  }

  void tick() {
    if (waiting.isEmpty()) {
      return;
    }
    List<Waiting> before = waiting;
    waiting = new ArrayList<>();
    for (Waiting each : before) {
      if (!isOver(each)) {
        waiting.add(each);
      }
    }
  }

  private boolean isOver(Waiting each) {
    CompletableFuture<?> ended = each.attempt.ended();
    try {
      if (!ended.isDone()) {
        each.attempt.tryNow();
      }
      if (!ended.isDone() && clock.nanoTime() - each.untilNanos >= 0) {
        each.attempt.giveUp();
      }
    } catch (RuntimeException e) {
      ended.completeExceptionally(e); // its caller's alone: the others go on waiting
    }
    if (!ended.isDone()) {
      return false;
    }
    each.lastTry.cancel();
    leave(each);
    return true;
  }

  /** What waits, in bytes, by estimate. Any thread. */
  long estimatedBytes() {
    return bytes.get();
  }

  /** Any thread. */
  WaitStats stats() {
    return new WaitStats(callers.get(), refused.get());
  }

  /** Nobody will come any more. The loop has ended before. */
  void close() {
    var left = new ArrayList<>(waiting);
    waiting = new ArrayList<>();
    synchronized (coming) {
      closed = true;
      left.addAll(coming);
      coming.clear();
    }
    left.forEach(this::end);
  }
}
