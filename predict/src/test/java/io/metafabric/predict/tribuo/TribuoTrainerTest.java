package io.metafabric.predict.tribuo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.predict.RankingExamples;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.tribuo.classification.sgd.linear.LinearSGDModel;

class TribuoTrainerTest {
  private static final long SEED = 5;
  private static final int FEATURES = 6;
  private static final double[] TRUTH = {-0.5, 2, -1, 0, 0.5, 0};

  private final TribuoTrainer trainer = new TribuoTrainer();

  /** The last feature is always zero. */
  private static RankingExamples examples(int count) {
    var random = new Random(SEED);
    var values = new float[count * FEATURES];
    var outcomes = new boolean[count];
    for (int i = 0; i < count; i++) {
      values[i * FEATURES] = 1;
      for (int j = 1; j < FEATURES - 1; j++) {
        values[i * FEATURES + j] = (float) random.nextGaussian();
      }
      outcomes[i] = random.nextDouble() < probability(TRUTH, values, i);
    }
    return new RankingExamples(FEATURES, values, outcomes);
  }

  private static double probability(double[] weights, float[] values, int example) {
    double sum = 0;
    for (int j = 0; j < FEATURES; j++) {
      sum += weights[j] * values[example * FEATURES + j];
    }
    return 1 / (1 + StrictMath.exp(-sum));
  }

  @Test
  void theWeights_sayWhatTribuosOwnModelSays() {
    RankingExamples examples = examples(2_000);
    LinearSGDModel model = trainer.fit(examples, SEED);
    double[] weights = trainer.train(examples, SEED);
    String[] names = TribuoTrainer.names(FEATURES);
    for (int i = 0; i < 200; i++) {
      double tribuos =
          model
              .predict(TribuoTrainer.example(examples, i, names))
              .getOutputScores()
              .get(TribuoTrainer.CAME_TRUE.getLabel())
              .getScore();
      var values = new float[FEATURES];
      for (int j = 0; j < FEATURES; j++) {
        values[j] = examples.value(i, j);
      }
      assertThat(probability(weights, values, 0))
          .as("example %s, seed %s", i, SEED)
          .isCloseTo(tribuos, within(1e-9));
    }
  }

  @Test
  void whatLedToTheOutcomes_isFound() {
    double[] weights = trainer.train(examples(12_000), SEED);
    for (int j = 0; j < FEATURES - 1; j++) {
      assertThat(weights[j]).as("weight %s, seed %s", j, SEED).isCloseTo(TRUTH[j], within(0.3));
    }
    assertThat(weights[FEATURES - 1]).isFinite();
  }

  @Test
  void oneSeed_givesTheSameWeights() {
    RankingExamples examples = examples(2_000);
    assertThat(trainer.train(examples, SEED)).containsExactly(trainer.train(examples, SEED));
  }

  @Test
  void tribuoIsHere_andQuiet() {
    assertThat(TribuoSupport.isPresent()).isTrue();
    trainer.train(examples(100), SEED);
    assertThat(Logger.getLogger("org.tribuo").getLevel()).isEqualTo(Level.WARNING);
  }
}
