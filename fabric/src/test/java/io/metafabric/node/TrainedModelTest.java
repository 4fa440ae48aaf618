package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.predict.RankingExamples;
import io.metafabric.predict.RankingStats;
import io.metafabric.predict.RankingTrainer;
import io.metafabric.predict.Retraining;
import io.metafabric.predict.tribuo.TribuoTrainer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Nodes over simulated ports, one of which has its ranking trained by Tribuo in the background on
 * what came of its own proposals, goes by the trained model when that is the better one, and goes
 * on serving and fetching ahead all the while.
 */
class TrainedModelTest {
  private static final long SEED = 5;
  private static final int GROUPS = 12;
  private static final int GROUP = 8;
  private static final Duration TRAINING = Duration.ofSeconds(20);

  private final SimCluster cluster = new SimCluster(1, 4 << 20, "paris", "tokyo", "lima");
  private final RegionName reader = new RegionName("lima");
  private final List<Key> keys = new ArrayList<>();
  private final Random random = new Random(SEED);
  private final Witness trainer = new Witness();
  private int underWay;

  /** Tribuo, with a note of what it was given. */
  private static final class Witness implements RankingTrainer {
    private final RankingTrainer tribuo = new TribuoTrainer();
    private int calls;
    private int lastCount;

    @Override
    public String name() {
      return tribuo.name();
    }

    @Override
    public double[] train(RankingExamples examples, long seed) {
      calls++;
      lastCount = examples.count();
      return tribuo.train(examples, seed);
    }
  }

  private void trainInTheBackground(Runnable training) {
    underWay++;
    cluster.world.after(
        TRAINING,
        "a training",
        () -> {
          underWay--;
          training.run();
        });
  }

  private void place() {
    cluster.hotTierBytes = 24 << 10;
    // So far that a copy pays where it is read more often than not.
    cluster.network.defaultLink(SimLink.perfect(Duration.ofNanos(1_500_000)));
    cluster.retraining = new Retraining(trainer, this::trainInTheBackground);
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; keys.size() < GROUPS * GROUP; i++) {
      Key key = Key.of("n/" + i);
      if (!cluster.node(reader).homesOf(key).include(reader)) {
        keys.add(key);
        SimReads.write(cluster, cluster.regions.get(0), key, "x".repeat(600));
      }
    }
    cluster.world.runUntil("headers", cluster::isConverged, Duration.ofMinutes(1));
  }

  /** A group of keys in order, with a stray read now and then: what follows is likely, not sure. */
  private void readAGroup() {
    int first = random.nextInt(GROUPS) * GROUP;
    for (int i = 0; i < GROUP; i++) {
      int at = random.nextInt(4) == 0 ? random.nextInt(keys.size()) : first + i;
      assertThat(SimReads.read(cluster, reader, keys.get(at))).startsWith("x");
      cluster.world.runFor(Duration.ofMillis(60));
    }
  }

  private RankingStats ranking() {
    return cluster.node(reader).stats().prefetch().foresight().ranking().get(0);
  }

  @Test
  void aLiveNode_takesOverTheModelThatWasTrainedOnWhatHappened_andGoesOn() {
    place();
    boolean servedMeanwhile = false;
    for (int group = 0; group < 3_000 && ranking().taken() == 0; group++) {
      readAGroup();
      servedMeanwhile |= underWay > 0 && ranking().trainings() == trainer.calls;
    }
    RankingStats swapped = ranking();
    assertThat(swapped.taken()).as("seed %s: %s", SEED, swapped).isPositive();
    assertThat(swapped.model()).isEqualTo(trainer.name());
    assertThat(servedMeanwhile).as("reads were served while a training was under way").isTrue();
    assertThat(trainer.lastCount).as("on outcomes of this node").isGreaterThan(4_000);
    assertThat((long) trainer.lastCount).isLessThanOrEqualTo(swapped.outcomes());

    long used = cluster.node(reader).stats().prefetch().used();
    for (int group = 0; group < 100; group++) {
      readAGroup();
    }
    PrefetchStats after = cluster.node(reader).stats().prefetch();
    assertThat(after.used()).as("what the new model proposes is used").isGreaterThan(used + 100);
    assertThat(ranking().outcomes()).isGreaterThan(swapped.outcomes());
    assertThat(ranking().lateBrierScore()).isLessThan(0.25);
  }
}
