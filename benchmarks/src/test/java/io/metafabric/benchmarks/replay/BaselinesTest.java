package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** The policies that others are compared with, against what was found in other ways. */
class BaselinesTest {
  private static final String[] ZONES = {"UTC-0800", "UTC+0100", "UTC+0800"};

  private record Row(int region, int key, boolean put) {}

  private static Trace trace(List<Row> rows) {
    int count = rows.size();
    int keys = 1 + rows.stream().mapToInt(Row::key).max().orElse(0);
    var put = new boolean[count];
    for (int i = 0; i < count; i++) {
      put[i] = rows.get(i).put();
    }
    return new Trace(
        "small",
        new long[count],
        new int[count],
        rows.stream().mapToInt(Row::key).toArray(),
        put,
        new int[count],
        rows.stream().mapToInt(Row::region).toArray(),
        List.of("c"),
        IntStream.range(0, keys).mapToObj(Integer::toString).toList(),
        List.of(ZONES),
        List.of(),
        0);
  }

  private static long misses(Trace trace, String policy, int capacity, int regions, PutMode puts) {
    return Replayer.run(trace, policy, 5, capacity, 0, regions, puts, 1, Progress.none()).misses();
  }

  /** The least that can be missed, over all that could have been let go whenever something had. */
  private static int least(List<Row> rows, int region, int regions, PutMode puts, int capacity) {
    var misses = new int[1 << 6];
    Arrays.fill(misses, Integer.MAX_VALUE);
    misses[0] = 0;
    for (Row row : rows) {
      var after = new int[misses.length];
      Arrays.fill(after, Integer.MAX_VALUE);
      boolean here = regions == 1 || row.region() == region;
      boolean asks = here && puts.requests(row.put());
      boolean writes = puts.writes(row.put());
      for (int held = 0; held < misses.length; held++) {
        if (misses[held] == Integer.MAX_VALUE) {
          continue;
        }
        int key = 1 << row.key();
        boolean missed = asks && (held & key) == 0;
        int all = misses[held] + (missed ? 1 : 0);
        boolean takesIn = (held & key) == 0 && (missed || (here && writes));
        if (takesIn && Integer.bitCount(held) == capacity) {
          for (int gone = 1; gone < misses.length; gone <<= 1) {
            if ((held & gone) != 0) {
              int next = held & ~gone | key;
              after[next] = Math.min(after[next], all);
            }
          }
        } else {
          int next = takesIn ? held | key : !here && writes ? held & ~key : held;
          after[next] = Math.min(after[next], all);
        }
      }
      misses = after;
    }
    return Arrays.stream(misses).min().orElseThrow();
  }

  @RepeatedTest(40)
  void belady_missesAsLittleAsCanBe_whateverRegionsThereAre_andWhateverAPutIs(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    var rows = new ArrayList<Row>();
    for (int i = 0; i < 150; i++) {
      rows.add(new Row(random.nextInt(3), random.nextInt(6), random.nextInt(4) == 0));
    }
    int capacity = 1 + random.nextInt(4);
    Trace trace = trace(rows);
    for (PutMode puts : PutMode.values()) {
      for (int regions : new int[] {1, 3}) {
        int least = 0;
        for (int region = 0; region < regions; region++) {
          least += least(rows, region, regions, puts, capacity);
        }
        assertThat(misses(trace, "belady", capacity, regions, puts))
            .as("seed %d, %s, %d regions, %d entries", seed, puts, regions, capacity)
            .isEqualTo(least);
      }
    }
  }

  /** By how many other keys came since: none of the policy's own ways. */
  @RepeatedTest(10)
  void lru_missesWhatIsFurtherBackThanItHasRoomFor(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    var rows = new ArrayList<Row>();
    for (int i = 0; i < 2_000; i++) {
      rows.add(new Row(0, (int) (60 * Math.pow(random.nextDouble(), 2)), false));
    }
    for (int capacity : new int[] {1, 5, 20, 59}) {
      int missed = 0;
      for (int i = 0; i < rows.size(); i++) {
        int back = i - 1;
        while (back >= 0 && rows.get(back).key() != rows.get(i).key()) {
          back--;
        }
        long others = rows.subList(back + 1, i).stream().map(Row::key).distinct().count();
        missed += back < 0 || others >= capacity ? 1 : 0;
      }
      assertThat(misses(trace(rows), "lru", capacity, 1, PutMode.ACCESS)).isEqualTo(missed);
    }
  }

  @Test
  void noPolicyIsBetterThanBelady_inThreeRegionsEither() {
    var random = new Random(9);
    var rows = new ArrayList<Row>();
    for (int i = 0; i < 30_000; i++) {
      int region = random.nextInt(3);
      int own = random.nextInt(5) == 0 ? random.nextInt(3) : region;
      int key = 300 * own + (int) (300 * Math.pow(random.nextDouble(), 2));
      rows.add(new Row(region, key, random.nextInt(20) == 0));
    }
    Trace trace = trace(rows);
    for (PutMode puts : PutMode.values()) {
      long least = misses(trace, "belady", 60, 3, puts);
      for (String policy : List.of("lru", "s3fifo", "caffeine", "fabric-no-prediction")) {
        assertThat(misses(trace, policy, 60, 3, puts))
            .as("%s, %s", policy, puts)
            .isGreaterThanOrEqualTo(least);
      }
    }
  }
}
