package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlotTableTest {
  /** A slot, as the model knows it. */
  private record Words(long first, long second) {}

  /** Fewer where each mutant takes them. */
  private static final int ROUNDS = 5 * Integer.getInteger("model.rounds", 4000);

  private final PagePool pool = new PagePool();
  private final SlotTable table = new SlotTable(pool);
  private final TreeMap<Integer, List<Words>> model = new TreeMap<>();

  private static List<Words> matches(SlotTable table, int fingerprint) {
    long[] words = new long[2 * table.copyMatches(fingerprint, new long[0])];
    table.copyMatches(fingerprint, words);
    var found = new ArrayList<Words>();
    for (int i = 0; i < words.length; i += 2) {
      found.add(new Words(words[i], words[i + 1]));
    }
    return found;
  }

  private void change(Random random, IntUnaryOperator fingerprints) {
    int fingerprint = fingerprints.applyAsInt(random.nextInt());
    var words = new Words(1 + random.nextInt(1000), random.nextLong());
    List<Words> known = model.computeIfAbsent(fingerprint, f -> new ArrayList<>());
    long stamp = table.lock();
    try {
      int what = random.nextInt(10);
      if (what < 6 || known.isEmpty()) {
        table.insert(fingerprint, words.first(), words.second());
        known.add(words);
        return;
      }
      int slot = table.find(fingerprint) + random.nextInt(known.size());
      assertThat(table.matches(slot, fingerprint)).isTrue();
      known.remove(new Words(table.first(slot), table.second(slot)));
      if (what < 8) {
        table.set(slot, words.first(), words.second());
        known.add(words);
      } else {
        table.remove(slot);
      }
    } finally {
      table.unlock(stamp);
    }
  }

  private void check(int fingerprint, String seed) {
    assertThat(matches(table, fingerprint))
        .as(seed)
        .containsExactlyInAnyOrderElementsOf(model.getOrDefault(fingerprint, List.of()));
    assertThat(table.find(fingerprint) >= 0)
        .isEqualTo(!model.getOrDefault(fingerprint, List.of()).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void itHoldsWhatAModelHolds(long seed) {
    var random = new Random(seed);
    // Spread; in a few clusters; at the upper end, where slots have nowhere to go on to.
    IntUnaryOperator fingerprints =
        switch ((int) (seed % 3)) {
          case 0 -> any -> any;
          case 1 -> any -> (any & 0xf0000000) | (any & 0x3f);
          default -> any -> -1 - (any & 0x7f);
        };
    for (int i = 0; i < ROUNDS; i++) {
      change(random, fingerprints);
      check(fingerprints.applyAsInt(random.nextInt()), "seed " + seed);
    }
    model.keySet().forEach(fingerprint -> check(fingerprint, "seed " + seed));
    assertThat(table.used()).isEqualTo(model.values().stream().mapToInt(List::size).sum());
  }

  @Tag("long")
  @Test
  void ofManySlots_eachTakesAtMost32Bytes() {
    var random = new Random(7);
    for (int i = 0; i < 60_000; i++) {
      table.insert(random.nextInt(), 1, i);
      if (i > 4_000) {
        assertThat(table.bytes() / (double) table.used()).isLessThanOrEqualTo(32);
      }
    }
  }

  @Tag("long")
  @Test
  void pagesThatAreGivenBackAreUsedAgain() {
    for (int i = 0; i < 100_000; i++) {
      table.insert(i * 31_337, 1, i);
    }
    // A table that grew, the one it grew from, and what is taken from the system at a time.
    assertThat(pool.bytes()).isLessThanOrEqualTo(2 * table.bytes() + (512 << 10));
  }

  @Test
  void aSlotWithoutAFirstWordIsRefused() {
    assertThatThrownBy(() -> table.insert(1, 0, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Two tables share pages: what one gives back, another writes to, while somebody reads. */
  @Tag("races")
  @Test
  void readersBesideAWriter_seeWholeStatesOnly() throws Exception {
    var other = new SlotTable(pool);
    var stop = new AtomicBoolean();
    var wrong = new AtomicLong();
    var reads = new AtomicLong();
    // A fingerprint's slots always have sums of 0.
    var reader =
        new Thread(
            () -> {
              var random = new Random(1);
              while (!stop.get()) {
                for (SlotTable each : List.of(table, other)) {
                  for (Words words : matches2(each, random.nextInt(1000) * 4_000_000)) {
                    if (words.first() + words.second() != 0) {
                      wrong.incrementAndGet();
                    }
                  }
                }
                reads.incrementAndGet();
              }
            });
    reader.start();
    var random = new Random(2);
    for (int i = 0; i < 300_000 || reads.get() < 1000; i++) {
      SlotTable to = random.nextBoolean() ? table : other;
      long stamp = to.lock();
      int fingerprint = random.nextInt(1000) * 4_000_000;
      int slot = to.find(fingerprint);
      if (to.used() < 50_000 && random.nextInt(3) > 0) {
        long word = 1 + random.nextInt(1 << 30);
        to.insert(fingerprint + (random.nextBoolean() ? 0 : random.nextInt(1000)), word, -word);
      } else if (slot >= 0) {
        to.remove(slot);
      }
      to.unlock(stamp);
    }
    stop.set(true);
    reader.join();
    assertThat(wrong).hasValue(0);
  }

  private static List<Words> matches2(SlotTable table, int fingerprint) {
    long[] words = new long[64];
    int found = Math.min(32, table.copyMatches(fingerprint, words));
    var list = new ArrayList<Words>();
    for (int i = 0; i < 2 * found; i += 2) {
      list.add(new Words(words[i], words[i + 1]));
    }
    return list;
  }
}
