package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SupersededQueueTest {
  private final SupersededQueue queue = new SupersededQueue();
  private final ArrayDeque<SupersededQueue.Entry> model = new ArrayDeque<>();
  private final Set<SupersededQueue.Entry> there = new HashSet<>();

  private void add(long name) {
    queue.add(name, -name, 10);
    var entry = new SupersededQueue.Entry(name, -name);
    model.add(entry);
    there.add(entry);
  }

  /** Beside a queue of which nothing is forgotten before its turn. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theyComeInTheOrderOfAdding(long seed) {
    var random = new Random(seed);
    for (int i = 1; i <= 5_000; i++) {
      switch (random.nextInt(8)) {
        case 0, 1, 2, 3 -> add(i);
        case 4, 5 -> {
          if (!there.isEmpty()) {
            there.remove(there.iterator().next());
            queue.removed(10);
          }
        }
        case 6 -> queue.forgetGone((hash, dot) -> there.contains(entry(hash, dot)));
        default -> poll(random.nextBoolean());
      }
      assertThat(queue.bytes()).isEqualTo(10L * there.size());
      assertThat(queue.size()).isGreaterThanOrEqualTo(there.size());
    }
    while (queue.size() > 0) {
      poll(false);
    }
    assertThat(there).isEmpty();
    assertThat(queue.bytes()).isZero();
  }

  private static SupersededQueue.Entry entry(long hash, long dot) {
    return new SupersededQueue.Entry(hash, dot);
  }

  private void poll(boolean stays) {
    if (queue.size() == 0) {
      return;
    }
    SupersededQueue.Entry polled = queue.poll();
    // What is gone may have been forgotten, what is there may not.
    while (!model.peek().equals(polled)) {
      assertThat(there).doesNotContain(model.poll());
    }
    model.poll();
    if (there.contains(polled)) {
      if (stays) {
        queue.addAgain(polled);
        model.add(polled);
      } else {
        there.remove(polled);
        queue.removed(10);
      }
    }
  }

  @Test
  void placesOfThoseThatAreGone_areGivenBack() {
    for (int i = 1; i <= 10_000; i++) {
      add(i);
    }
    assertThat(queue.memoryBytes()).isBetween(160_000L, 640_000L);
    for (int i = 1; i <= 9_990; i++) {
      there.remove(entry(i, -i));
      queue.removed(10);
      queue.forgetGone((hash, dot) -> there.contains(entry(hash, dot)));
    }
    assertThat(queue.size()).isLessThan(50);
    assertThat(queue.memoryBytes()).isLessThan(20_000);
    assertThat(queue.bytes()).isEqualTo(100);
  }

  @Test
  void whatWasDropped_isCounted() {
    queue.dropped();
    queue.dropped();
    assertThat(queue.droppedCount()).isEqualTo(2);
  }
}
