package io.metafabric.host;

import io.metafabric.core.port.Clock;

/** The machine's clocks. */
public final class SystemClock implements Clock {
  @Override
  public long wallMs() {
    return System.currentTimeMillis();
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }
}
