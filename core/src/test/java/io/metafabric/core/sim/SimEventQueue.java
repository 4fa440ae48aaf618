package io.metafabric.core.sim;

import java.time.Duration;
import java.util.PriorityQueue;
import java.util.concurrent.Executor;

/** Virtual time and nothing else: enough to test what lives in it. */
final class SimEventQueue implements SimEvents {
  private record Event(long atNanos, long order, Runnable run) implements Comparable<Event> {
    @Override
    public int compareTo(Event that) {
      int byTime = Long.compare(atNanos, that.atNanos);
      return byTime != 0 ? byTime : Long.compare(order, that.order);
    }
  }

  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private long nowNanos;
  private long scheduled;

  @Override
  public long nanoTime() {
    return nowNanos;
  }

  @Override
  public void after(Duration delay, Runnable event) {
    events.add(new Event(nowNanos + delay.toNanos(), scheduled++, event));
  }

  /** Tasks run as events, now. */
  Executor executor() {
    return task -> after(Duration.ZERO, task);
  }

  /** Runs the next event; false if there is none. */
  boolean step() {
    Event next = events.poll();
    if (next == null) {
      return false;
    }
    nowNanos = next.atNanos;
    next.run.run();
    return true;
  }

  void runFor(Duration duration) {
    long end = nowNanos + duration.toNanos();
    while (!events.isEmpty() && events.peek().atNanos <= end) {
      step();
    }
    nowNanos = end;
  }
}
