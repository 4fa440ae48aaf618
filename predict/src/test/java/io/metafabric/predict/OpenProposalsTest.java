package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OpenProposalsTest {
  private static final int SOURCES = 2;
  private static final int FEATURES = 3;

  private final OpenProposals open = new OpenProposals(SOURCES, FEATURES, 1 << 20);

  /** Where each proposal that is in the ring is, by its reference. */
  private final Map<Integer, Integer> places = new HashMap<>();

  private void add(int number) {
    if (open.mustGrow()) {
      var before = new HashMap<>(places);
      open.grow(
          (from, to) -> {
            int reference = open.reference(to);
            assertThat(before).as("was at %s", from).containsEntry(reference, from);
            places.put(reference, to);
          });
    }
    int place = open.add(number, number % 3 == 0, number + 64, number / 1e6);
    places.put(number, place);
    for (int source = 0; source < SOURCES; source++) {
      open.setKind(place, source, number % 100 + source);
    }
    for (int feature = 0; feature < FEATURES; feature++) {
      open.values()[open.valuesAt(place) + feature] = number + feature;
    }
  }

  private void requireWhole(int number) {
    int place = places.get(number);
    assertThat(open.reference(place)).isEqualTo(number);
    assertThat(open.isFar(place)).isEqualTo(number % 3 == 0);
    assertThat(open.untilNeed(place)).isEqualTo(number + 64);
    assertThat(open.probability(place)).isEqualTo((float) (number / 1e6));
    for (int source = 0; source < SOURCES; source++) {
      assertThat(open.kind(place, source)).isEqualTo(number % 100 + source);
    }
    for (int feature = 0; feature < FEATURES; feature++) {
      assertThat(open.values()[open.valuesAt(place) + feature]).isEqualTo(number + feature);
    }
  }

  @Test
  void itGrowsWhereItIsFull_whereverItsOldestIs_andKeepsWhatItHolds() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    var random = new Random(seed);
    long first = open.retainedBytes();
    assertThat(first).isLessThan(open.maxRetainedBytes() / 32);
    var held = new ArrayDeque<Integer>();
    for (int number = 1; !open.isFull(); number++) {
      add(number);
      held.add(number);
      for (int gone = random.nextInt(3); gone > 1 && !held.isEmpty(); gone--) {
        int oldest = held.remove();
        assertThat(open.oldest()).isEqualTo(places.remove(oldest));
        open.removeOldest();
      }
      if (Integer.bitCount(held.size()) == 1 || open.isFull()) {
        held.forEach(this::requireWhole);
      }
    }
    assertThat(open.retainedBytes()).isEqualTo(open.maxRetainedBytes());
    assertThat(open.mustGrow()).isFalse();
  }

  @Test
  void whatIsTakenOutInTime_needsNoMoreRoom() {
    long first = open.retainedBytes();
    for (int number = 1; number <= 10_000; number++) {
      add(number);
      if (number > 32) {
        open.removeOldest();
      }
    }
    assertThat(open.retainedBytes()).isEqualTo(first);
  }
}
