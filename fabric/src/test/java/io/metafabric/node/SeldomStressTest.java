package io.metafabric.node;

import io.metafabric.core.stress.LinearizableOperations;
import io.metafabric.core.stress.SetClock;
import java.time.Duration;
import java.util.OptionalLong;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** One of many threads says it, with the number of those that did not. */
public class SeldomStressTest extends LinearizableOperations {
  private final SetClock clock = new SetClock();
  private final Seldom seldom = new Seldom(clock, Duration.ofNanos(1));

  @Operation
  public OptionalLong next(@Param(gen = BooleanGen.class) boolean one) {
    return seldom.next(one ? "one" : "other");
  }

  @Operation
  public void aPeriodPasses() {
    clock.aNanosecondPasses();
  }
}
