package io.metafabric.core.index;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.Interleavings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whatever is still named is polled once, in its order, while others say what is gone. */
@Tag("stress")
class SupersededQueueStressTest {
  private static final int ENTRIES = 24;
  private static final int GONE = 20;

  private static void remove(int i, SupersededQueue queue, AtomicIntegerArray there) {
    there.set(i, 0);
    queue.removed(10);
  }

  @Test
  void placesAreGivenBack_butNotThoseOfWhatIsThere() {
    Interleavings.ofProgram(
        () -> {
          var queue = new SupersededQueue();
          var there = new AtomicIntegerArray(ENTRIES + 1);
          for (int i = 0; i < ENTRIES; i++) {
            there.set(i, 1);
            queue.add(i, i, 10);
          }
          // So many that places are given back whatever comes first.
          for (int i = 0; i < GONE - 2; i++) {
            remove(i, queue, there);
          }
          together(
              () -> {
                remove(GONE - 2, queue, there);
                remove(GONE - 1, queue, there);
              },
              () -> {
                queue.forgetGone((hash, dot) -> there.get((int) hash) == 1);
                there.set(ENTRIES, 1);
                queue.add(ENTRIES, ENTRIES, 10);
                queue.forgetGone((hash, dot) -> there.get((int) hash) == 1);
              });
          require(queue.bytes() == 10 * (ENTRIES + 1 - GONE), "bytes: " + queue.bytes());
          var left = new ArrayList<Long>();
          while (queue.size() > 0) {
            SupersededQueue.Entry next = queue.poll();
            if (there.get((int) next.hash()) == 1) {
              left.add(next.hash());
            }
          }
          require(left.equals(List.of(20L, 21L, 22L, 23L, 24L)), "left: " + left);
        });
  }
}
