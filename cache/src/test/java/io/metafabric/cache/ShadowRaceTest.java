package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.cache.EvictionPolicy.Mode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;

class ShadowRaceTest {
  private static final int CAPACITY = 200;

  /** What a cache under the policy that the race chooses misses. */
  private static int misses(IntSupplier keys, int reads) {
    Map<Integer, QueueNode> present = new HashMap<>();
    var policy = new EvictionPolicy(CAPACITY, () -> 0, node -> present.remove(node.hash()));
    var race = new ShadowRace(CAPACITY);
    int misses = 0;
    for (int i = 0; i < reads; i++) {
      int key = keys.getAsInt();
      race.access(key);
      policy.setMode(race.winner(false));
      QueueNode node = present.get(key);
      if (node != null) {
        node.touch(policy.generation());
      } else {
        misses++;
        node = new One(key);
        present.put(key, node);
        policy.add(node);
      }
      assertThat(policy.weight()).isLessThanOrEqualTo(CAPACITY);
      assertThat(present).hasSize(policy.entries());
    }
    return misses;
  }

  private static int lruMisses(IntSupplier keys, int reads) {
    var lru = new LinkedHashMap<Integer, Boolean>(16, 0.75f, true);
    int misses = 0;
    for (int i = 0; i < reads; i++) {
      int key = keys.getAsInt();
      if (lru.put(key, true) == null) {
        misses++;
        if (lru.size() > CAPACITY) {
          lru.remove(lru.keySet().iterator().next());
        }
      }
    }
    return misses;
  }

  private static final class One extends QueueNode {
    private final int hash;

    One(int hash) {
      super(1);
      this.hash = hash;
    }

    @Override
    int hash() {
      return hash;
    }
  }

  /** Each key is read twice, three quarters of the capacity apart: what small queues are bad at. */
  private static IntSupplier twice() {
    var state = new int[1];
    return () -> {
      int step = state[0]++;
      int half = step / 2;
      return step % 2 == 0 ? half : half - CAPACITY * 3 / 4;
    };
  }

  @Test
  void whatSuitsRecencyAlone_isFoundOut_andHardlyWorseThanLru() {
    int reads = 60_000;
    assertThat(misses(twice(), reads)).isLessThan((int) (lruMisses(twice(), reads) * 1.05));
  }

  /** Half as many keys as fit are read, each at random until another takes its place. */
  private static IntSupplier bursts() {
    long seed = 7;
    var random = new Random(seed);
    var read = new int[CAPACITY / 2];
    return () -> {
      int place = random.nextInt(read.length);
      if (random.nextInt(4) == 0) {
        read[place] = random.nextInt();
      }
      return read[place];
    };
  }

  @Test
  void whatABurstHasLeftBehind_goesAlmostAsSoonAsInLru() {
    int reads = 60_000;
    assertThat(misses(bursts(), reads)).isLessThan((int) (lruMisses(bursts(), reads) * 1.015));
  }

  @Test
  void aLoopLargerThanTheCache_isPartlyKept() {
    var state = new int[1];
    IntSupplier loop = () -> state[0]++ % (CAPACITY * 2);
    int reads = 60_000;
    assertThat(misses(loop, reads)).as("LRU would miss all of them").isLessThan(reads * 3 / 4);
  }

  @Test
  void oneHitWonders_doNotPushOutWhatIsReadOften() {
    long seed = 7;
    var random = new Random(seed);
    var fresh = new int[] {1_000_000};
    IntSupplier keys = () -> random.nextInt(2) == 0 ? random.nextInt(150) : fresh[0]++;
    int reads = 60_000;
    assertThat(misses(keys, reads)).as("seed %s", seed).isLessThan(reads / 2 + reads / 25);
  }

  /** The race sees none of what is fetched ahead, so it must be surer of itself there. */
  @Test
  void whereSomethingIsFetchedAhead_aModeThatIsOnlyALittleBetter_isNotChosen() {
    long seed = 3;
    var random = new Random(seed);
    var race = new ShadowRace(CAPACITY);
    int others = 0;
    for (int i = 0; i < 60_000; i++) {
      race.access((int) (Math.pow(random.nextDouble(), 6) * 20 * CAPACITY));
      others += race.winner(false) == Mode.PROMOTING ? 0 : 1;
      assertThat(race.winner(true)).as("seed %s", seed).isEqualTo(Mode.PROMOTING);
    }
    assertThat(others).as("seed %s", seed).isGreaterThan(30_000);

    race = new ShadowRace(CAPACITY);
    for (int i = 0; i < 60_000; i++) {
      race.access(i % (2 * CAPACITY));
    }
    assertThat(race.winner(true)).as("of a loop it keeps half").isEqualTo(Mode.FREQUENT);
  }

  @Test
  void theSample_isBounded_whateverTheSizeOfTheCache() {
    for (int entries : new int[] {1, 100, 1_024, 1_025, 1_000_000}) {
      assertThat(new ShadowRace(entries).capacity()).isBetween(1, 1_024);
    }
    var large = new ShadowRace(1_000_000);
    int sampled = 0;
    for (int hash = 0; hash < 1_000_000; hash++) {
      sampled += (ShadowRace.spread(hash) & large.sampleMask()) == 0 ? 1 : 0;
    }
    assertThat(sampled).isBetween(800, 1_200);
  }

  @Test
  void itKnows_whatACacheWithoutPrefetchesMisses() {
    var random = new Random(3);
    IntSupplier keys = () -> (int) Math.abs(random.nextGaussian() * 4 * CAPACITY);
    var race = new ShadowRace(CAPACITY);
    Map<Integer, QueueNode> present = new HashMap<>();
    var policy = new EvictionPolicy(CAPACITY, () -> 0, node -> present.remove(node.hash()));
    policy.setMode(Mode.PROMOTING);
    int misses = 0;
    for (int i = 0; i < 50_000; i++) {
      int key = keys.getAsInt();
      race.access(key);
      policy.setMode(race.winner(false));
      QueueNode node = present.get(key);
      if (node == null) {
        misses++;
        node = new One(key);
        present.put(key, node);
        policy.add(node);
      } else {
        node.touch(policy.generation());
      }
    }
    assertThat((double) race.expectedFetches()).isBetween(misses * 0.98, misses * 1.02);
  }

  @Test
  void ofALargeCache_whatItMissesIsEstimatedFromTheSample() {
    int entries = 100_000;
    var race = new ShadowRace(entries);
    int misses = 0;
    for (int round = 0; round < 3; round++) {
      for (int hash = 0; hash < entries / 2; hash++) {
        if ((ShadowRace.spread(hash) & race.sampleMask()) == 0) {
          race.access(hash);
        }
        misses += round == 0 ? 1 : 0;
      }
    }
    assertThat((double) race.expectedFetches()).isBetween(misses * 0.8, misses * 1.2);
  }

  @Test
  void whatIsNotToBeHadAnyMore_isMissedByAll() {
    var race = new ShadowRace(CAPACITY);
    for (int i = 0; i < 10; i++) {
      race.access(7);
      race.forget(7);
      race.forget(8);
    }
    assertThat(race.expectedFetches()).isEqualTo(10);
    race.access(7);
    race.access(7);
    assertThat(race.expectedFetches()).isEqualTo(11);
  }

  /** A new race has seen nothing that would speak against what the one before it has found. */
  @Test
  void ofAnotherSize_itKeepsItsVerdicts_untilThereAreOthers() {
    var loop = new ShadowRace(CAPACITY);
    for (int i = 0; i < 60_000; i++) {
      loop.access(i % (2 * CAPACITY));
    }
    assertThat(loop.winner(false)).isEqualTo(Mode.STEADY);
    assertThat(loop.winner(true)).isEqualTo(Mode.FREQUENT);
    ShadowRace resized = loop.resized(3 * CAPACITY);
    for (int i = 0; i < 5_000; i++) {
      assertThat(resized.winner(false)).isEqualTo(Mode.STEADY);
      assertThat(resized.winner(true)).isNotEqualTo(Mode.STEADY);
      resized.access(i % (6 * CAPACITY));
    }

    var race = new ShadowRace(CAPACITY);
    IntSupplier bursts = bursts();
    for (int i = 0; i < 60_000; i++) {
      race.access(bursts.getAsInt());
    }
    assertThat(race.winner(false)).isEqualTo(Mode.LAST_READ);
    resized = race.resized(3 * CAPACITY);
    for (int i = 0; i < 5_000; i++) {
      resized.access(bursts.getAsInt());
      assertThat(resized.winner(false)).isEqualTo(Mode.LAST_READ);
    }
  }
}
