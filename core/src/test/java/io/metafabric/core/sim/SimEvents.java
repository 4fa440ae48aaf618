package io.metafabric.core.sim;

import java.time.Duration;

/**
 * The virtual time that a simulated network runs in. Events at one time run in scheduling order.
 */
public interface SimEvents {
  long nanoTime();

  void after(Duration delay, Runnable event);
}
