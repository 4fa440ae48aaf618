package io.metafabric.replicate.arm;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.Interleavings;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What several threads count of one path, and of two that begin at once, is counted. */
@Tag("stress")
class EventRatesStressTest {
  private static final long SECOND_NANOS = 1_000_000_000;

  @Test
  void noEventIsLost() {
    var alone = new EventRates(0);
    alone.count("n/1", 0);
    double once = alone.perSecond("n/1", 0);
    Interleavings.ofProgram(
        () -> {
          var rates = new EventRates(0);
          together(
              () -> rates.count("n/1", 0),
              () -> rates.count("n/1", 0),
              () -> {
                rates.count("n/2", 0);
                require(rates.perSecond("n/2", 0) == once, "another rate than it has");
              });
          require(rates.perSecond("n/1", 0) == 2 * once, "one of two events is lost");
        });
  }

  /** A rate is read with the weight of its time, also while that changes. */
  @Test
  void aRateFades_andDoesNotJump() {
    Interleavings.ofProgram(
        () -> {
          var rates = new EventRates(0);
          rates.count("n/1", 0);
          double before = rates.perSecond("n/1", 0);
          long later = 300 * SECOND_NANOS;
          var seen = new double[1];
          together(() -> rates.count("n/2", later), () -> seen[0] = rates.perSecond("n/1", later));
          require(seen[0] == before / 2, "a rate of another time");
          require(rates.perSecond("n/2", later) == before, "a count with another time's weight");
        });
  }
}
