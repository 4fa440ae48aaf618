package io.metafabric.predict;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.stress.Interleavings;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is counted while the gate is told of what was counted before is told the next time. */
@Tag("stress")
class GatedPredictorStressTest {
  private static final class Silent implements Predictor {
    @Override
    public String name() {
      return "silent";
    }

    @Override
    public void observe(List<AccessEvent> events) {}

    @Override
    public List<Prediction> predict(PredictionContext context) {
      return List.of();
    }

    @Override
    public long retainedBytes() {
      return 0;
    }
  }

  @Test
  void noPrefetchIsLost_norCountedTwice() {
    Interleavings.ofProgram(
        () -> {
          var gated = new GatedPredictor(new Silent(), 1, (name, failure) -> {});
          together(
              () -> {
                gated.countMade();
                gated.countUsed();
              },
              () -> {
                gated.countMade();
                gated.countWasted();
              },
              () -> {
                gated.settle();
                gated.settle();
              });
          gated.settle();
          ForesightStats.PerPredictor stats = gated.stats();
          require(stats.made() == 2, "made " + stats.made());
          require(stats.used() == 1, "used " + stats.used());
          require(stats.wasted() == 1, "wasted " + stats.wasted());
        });
  }
}
