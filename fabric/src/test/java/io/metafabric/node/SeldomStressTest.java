package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.stress.LinearizableOperations;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** One of many threads says it, with the number of those that did not. */
public class SeldomStressTest extends LinearizableOperations {
  private final AtomicLong nanos = new AtomicLong();
  private final Seldom seldom =
      new Seldom(
          new Clock() {
            @Override
            public long wallMs() {
              return 0;
            }

            @Override
            public long nanoTime() {
              return nanos.get();
            }
          },
          Duration.ofNanos(1));

  @Operation
  public OptionalLong next(@Param(gen = BooleanGen.class) boolean one) {
    return seldom.next(one ? "one" : "other");
  }

  @Operation
  public void aPeriodPasses() {
    nanos.incrementAndGet();
  }
}
