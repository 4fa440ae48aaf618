package io.metafabric.core.sim;

import io.metafabric.core.port.SerialExecutor;
import org.jspecify.annotations.Nullable;

/** Something that will happen: ordered by time, then by when it was planned. */
final class SimEvent implements SerialExecutor.Task, Comparable<SimEvent> {
  private final long atNanos;
  private final long sequence;
  private final String what;
  private @Nullable Runnable action;

  SimEvent(long atNanos, long sequence, String what, Runnable action) {
    this.atNanos = atNanos;
    this.sequence = sequence;
    this.what = what;
    this.action = action;
  }

  long atNanos() {
    return atNanos;
  }

  String what() {
    return what;
  }

  boolean isCancelled() {
    return action == null;
  }

  void run() {
    Runnable once = action;
    action = null;
    if (once != null) {
      once.run();
    }
  }

  @Override
  public void cancel() {
    action = null;
  }

  @Override
  public int compareTo(SimEvent that) {
    int byTime = Long.compare(atNanos, that.atNanos);
    return byTime != 0 ? byTime : Long.compare(sequence, that.sequence);
  }
}
