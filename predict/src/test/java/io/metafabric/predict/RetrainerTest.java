package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

class RetrainerTest {
  private static final long SEED = 11;

  /** The second feature alone says what happens. */
  private static final double[] TRUTH = {0, 6, 0, 0, 0, 0};

  private final Random random = new Random(SEED);
  private final float[] features = new float[3];

  private record Scripted(double... weights) implements RankingTrainer {
    @Override
    public String name() {
      return "scripted";
    }

    @Override
    public double[] train(RankingExamples examples, long seed) {
      return weights.clone();
    }
  }

  private RankingModel model(RankingTrainer trainer, Executor executor) {
    return new RankingModel(
        new double[] {0, 0, 0}, trainer == null ? null : new Retraining(trainer, executor), SEED);
  }

  private void play(RankingModel model, int outcomes, double truth) {
    for (int i = 0; i < outcomes; i++) {
      features[0] = 1;
      features[1] = (float) random.nextGaussian();
      features[2] = (float) random.nextGaussian();
      boolean cameTrue = random.nextDouble() < 1 / (1 + StrictMath.exp(-truth * features[1]));
      model.learn(features, 0, model.probability(model.score(features, 0)), cameTrue);
    }
  }

  @Test
  void withoutATrainer_nothingButTheOnlineModelIsGoneBy() {
    RankingModel model = model(null, Runnable::run);
    play(model, 3 * Retrainer.EVERY, 6);
    assertThat(model.isTrained()).isFalse();
    assertThat(model.stats("p", "r").model()).isEqualTo("online");
  }

  @Test
  void products_letATrainedModelSeeWhatTheOnlineOneCannot() {
    // Came true where both features have the same sign: no line parts that.
    RankingModel model = model(new Scripted(0, 0, 0, 0, 6, 0), Runnable::run);
    for (int i = 0; i < 2 * Retrainer.EVERY; i++) {
      features[0] = 1;
      features[1] = random.nextBoolean() ? 1 : -1;
      features[2] = random.nextBoolean() ? 1 : -1;
      model.learn(features, 0, 0.5, features[1] == features[2]);
    }
    assertThat(model.isTrained()).as("seed %s", SEED).isTrue();
    features[1] = features[2];
    assertThat(model.probability(model.score(features, 0))).isGreaterThan(0.9);
    features[1] = -features[2];
    assertThat(model.probability(model.score(features, 0))).isLessThan(0.1);
    assertThat(model.stats("p", "r").model()).isEqualTo("scripted");
  }

  @Test
  void aWorseModel_isNeverGoneBy() {
    RankingModel model = model(new Scripted(0, 0, 0, 0, 0, 0), Runnable::run);
    for (int i = 0; i < 8; i++) {
      play(model, Retrainer.EVERY, 6);
      assertThat(model.isTrained()).as("seed %s", SEED).isFalse();
    }
    assertThat(model.stats("p", "r").trainings()).isEqualTo(7);
    assertThat(model.stats("p", "r").taken()).isZero();
  }

  @Test
  void aModelThatWasTheBest_isLeftWhenTheReadsChange() {
    RankingModel model = model(new Scripted(0, 0, 0, 0, 6, 0), Runnable::run);
    for (int i = 0; i < 6 * Retrainer.EVERY; i++) {
      boolean changed = i >= 2 * Retrainer.EVERY;
      features[0] = 1;
      features[1] = random.nextBoolean() ? 1 : -1;
      features[2] = random.nextBoolean() ? 1 : -1;
      if (i == 2 * Retrainer.EVERY) {
        assertThat(model.isTrained()).as("seed %s", SEED).isTrue();
      }
      model.learn(features, 0, 0.5, changed ? features[1] > 0 : features[1] == features[2]);
    }
    assertThat(model.isTrained()).as("seed %s", SEED).isFalse();
  }

  @Test
  void aTrainingThatIsNotDone_isNotWaitedFor_andNoOtherIsBegun() {
    Deque<Runnable> tasks = new ArrayDeque<>();
    RankingModel model = model(new Scripted(0, 0, 0, 0, 6, 0), tasks::add);
    for (int i = 0; i < 5 * Retrainer.EVERY; i++) {
      features[0] = 1;
      features[1] = random.nextBoolean() ? 1 : -1;
      features[2] = random.nextBoolean() ? 1 : -1;
      model.learn(features, 0, 0.5, features[1] == features[2]);
    }
    assertThat(tasks).hasSize(1);
    assertThat(model.isTrained()).isFalse();
    tasks.remove().run();
    model.learn(features, 0, 0.5, features[1] == features[2]);
    assertThat(model.isTrained()).as("seed %s", SEED).isTrue();
  }

  @Test
  void aTrainerThatThrows_orReturnsNoNumbers_changesNothing() {
    Executor reports =
        task -> {
          try {
            task.run();
          } catch (IllegalStateException e) {
            // As an executor of the fabric's does.
          }
        };
    RankingTrainer fails =
        new RankingTrainer() {
          private int calls;

          @Override
          public String name() {
            return "fails";
          }

          @Override
          public double[] train(RankingExamples examples, long seed) {
            calls++;
            if (calls % 2 == 0) {
              throw new IllegalStateException("no");
            }
            var weights = new double[examples.features()];
            Arrays.fill(weights, Double.NaN);
            return weights;
          }
        };
    RankingModel model = model(fails, reports);
    play(model, 6 * Retrainer.EVERY, 6);
    assertThat(model.isTrained()).isFalse();
    assertThat(model.stats("p", "r").trainings()).isEqualTo(5);
  }

  @Test
  void theWindow_isBounded_andPartOfTheBound() {
    RankingModel model = model(new Scripted(TRUTH), Runnable::run);
    long before = model.retainedBytes();
    play(model, 6 * Retrainer.EVERY, 6);
    assertThat(model.retainedBytes()).isBetween(before, model.maxRetainedBytes());
    assertThat(before).isGreaterThan(Retrainer.WINDOW * 3 * 4L);
  }

  @Test
  void theReliabilityTable_tellsWhatWasSaidBesideWhatCameTrue() {
    RankingModel model = model(null, Runnable::run);
    for (int i = 0; i < 100; i++) {
      model.learn(features, 0, 0.75, i % 4 != 0);
      model.learn(features, 0, 0.1, false);
    }
    RankingStats stats = model.stats("p", "paris");
    assertThat(stats.outcomes()).isEqualTo(200);
    assertThat(stats.region()).isEqualTo("paris");
    RankingStats.Bin bin = stats.bins().get(7);
    assertThat(bin.count()).isEqualTo(100);
    assertThat(bin.meanSaid()).isEqualTo(0.75);
    assertThat(bin.shareThatCameTrue()).isEqualTo(0.75);
    assertThat(stats.bins().get(1).cameTrue()).isZero();
    assertThat(stats.brierScore()).isCloseTo(0.5 * 0.1875 + 0.5 * 0.01, within(1e-9));
  }
}
