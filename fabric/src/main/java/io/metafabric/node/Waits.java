package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Callers that wait until something is known here or elsewhere: all are looked at again whenever
 * something has come that they may wait for, and once a tick. Thread-safe; what is not said to be
 * for any thread runs on the loop.
 */
final class Waits {
  /** What somebody waits for. On the loop. */
  interface Attempt {
    /** Returns whether it has come to an end, whatever that is. */
    boolean isOver();

    /** It took too long, or the node is closed. */
    void giveUp();
  }

  private record Waiting(Attempt attempt, long untilNanos) {}

  private final SerialExecutor loop;
  private final Clock clock;
  private final AtomicBoolean queued = new AtomicBoolean();
  private final AtomicInteger count = new AtomicInteger();
  private List<Waiting> waiting = new ArrayList<>();

  Waits(SerialExecutor loop, Clock clock) {
    this.loop = loop;
    this.clock = clock;
  }

  /** Tries until it is over, but not for longer than {@code timeout}. Any thread. */
  void add(Attempt attempt, Duration timeout) {
    count.incrementAndGet();
    long untilNanos = clock.nanoTime() + timeout.toNanos();
    loop.execute(
        () -> {
          if (attempt.isOver()) {
            count.decrementAndGet();
          } else {
            waiting.add(new Waiting(attempt, untilNanos));
            // Else one that is shorter than a tick would last for one.
            loop.schedule(timeout, this::tick);
          }
        });
  }

  /** Something has come that somebody may wait for. Any thread; costs nothing if nobody waits. */
  void advanced() {
    if (count.get() > 0 && queued.compareAndSet(false, true)) {
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
      if (each.attempt().isOver()) {
        count.decrementAndGet();
      } else if (clock.nanoTime() - each.untilNanos() >= 0) {
        count.decrementAndGet();
        each.attempt().giveUp();
      } else {
        waiting.add(each);
      }
    }
  }

  /** Nobody will come any more. The loop has ended before. */
  void close() {
    List<Waiting> left = waiting;
    waiting = new ArrayList<>();
    left.forEach(each -> each.attempt().giveUp());
  }
}
