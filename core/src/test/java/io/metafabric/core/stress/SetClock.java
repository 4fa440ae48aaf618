package io.metafabric.core.stress;

import io.metafabric.core.port.Clock;
import java.util.concurrent.atomic.AtomicLong;

/** Stands still until it is told that time has passed. Thread-safe. */
public final class SetClock implements Clock {
  private final AtomicLong nanos = new AtomicLong();

  @Override
  public long wallMs() {
    return 0;
  }

  @Override
  public long nanoTime() {
    return nanos.get();
  }

  public void aNanosecondPasses() {
    nanos.incrementAndGet();
  }
}
