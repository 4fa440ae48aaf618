package io.metafabric.node;

import io.metafabric.core.access.AccessEvent;
import java.util.concurrent.atomic.LongAdder;

/** Counts reads by where the value was found. Thread-safe. */
final class ReadCounts {
  private final LongAdder[] byOutcome;
  private final LongAdder superseded = new LongAdder();
  private final LongAdder failed = new LongAdder();

  ReadCounts() {
    byOutcome = new LongAdder[AccessEvent.Outcome.values().length];
    for (int i = 0; i < byOutcome.length; i++) {
      byOutcome[i] = new LongAdder();
    }
  }

  void count(AccessEvent.Outcome outcome) {
    byOutcome[outcome.ordinal()].increment();
  }

  void countSuperseded() {
    superseded.increment();
  }

  void countFailed() {
    failed.increment();
  }

  long of(AccessEvent.Outcome outcome) {
    return byOutcome[outcome.ordinal()].sum();
  }

  long superseded() {
    return superseded.sum();
  }

  long failed() {
    return failed.sum();
  }
}
