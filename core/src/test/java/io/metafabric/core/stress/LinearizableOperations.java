package io.metafabric.core.stress;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A test that is its {@code Operation}s: three threads call them in orders that the model checker
 * chooses. The class behind them is its own measure, one call after the other.
 */
@Tag("stress")
public abstract class LinearizableOperations {
  @Test
  void whatThreadsAreTold_isWhatOneThreadWouldBeToldInSomeOrder() {
    Interleavings.ofOperations(getClass());
  }
}
