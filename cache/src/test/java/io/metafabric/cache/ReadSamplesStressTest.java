package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.stress.Interleavings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Lossy, and may tell of a read twice; but of none that nobody made, and within its bounds. */
@Tag("stress")
class ReadSamplesStressTest {
  private static final int OFFERS = 20_000;
  private static final int MOST_AT_ONCE = 16 * 128;

  @Test
  void whatIsDrained_wasOffered_andIsNeverMoreThanThereIsRoomFor() {
    int rounds = Interleavings.times(10);
    for (int round = 0; round < rounds; round++) {
      var samples = new ReadSamples();
      var going = new AtomicInteger(4);
      var drained = new ArrayList<Integer>();
      List<Interleavings.Part> parts = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        parts.add(
            () -> {
              for (int i = 1; i <= OFFERS; i++) {
                samples.offer(i % 1_000 + 1);
              }
              going.decrementAndGet();
            });
      }
      parts.add(
          () -> {
            while (going.get() > 0) {
              int before = drained.size();
              samples.drain(drained::add);
              assertThat(drained.size() - before).isLessThanOrEqualTo(MOST_AT_ONCE);
            }
          });
      Interleavings.race(parts.toArray(new Interleavings.Part[0]));
      samples.drain(drained::add);
      // A place that is counted before it is written shows what was there before: at first nothing.
      assertThat(drained).isNotEmpty().allMatch(hash -> hash >= 0 && hash <= 1_000);
      assertThat(samples.offer(1)).as("round %d: room after a drain", round).isTrue();
    }
  }
}
