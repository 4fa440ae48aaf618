package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.replicate.arm.KeptCopy.Cause;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class KeptCopiesTest {
  private static final double LONG = 1e9;

  private final List<String> pushedOut = new ArrayList<>();
  private final CopyRoom room = new CopyRoom(120);
  private final KeptCopies<String> kept = new KeptCopies<>(100, room, pushedOut::add);

  @Test
  void aCopy_isThereForItsTime_andNoLonger() {
    assertThat(kept.put("a", "A", Cause.READ, 10, 20_000, 0)).isTrue();
    assertThat(kept.get("a", 19_999)).isEqualTo("A");
    assertThat(kept.get("a", 20_000)).isNull();
    kept.sweep(20_000);
    assertThat(kept.stats()).isEqualTo(new KeptStats(0, 0, 100, 0, 0));
  }

  @Test
  void whoeverReadsIt_keepsItOn_orEndsIt_butNotAtOnce() {
    kept.put("a", "A", Cause.READ, 10, LONG, 0);
    kept.keepOn("a", 0, 1_000);
    assertThat(kept.get("a", CopyKeeper.LEAST_MS - 1)).isEqualTo("A");
    assertThat(kept.get("a", CopyKeeper.LEAST_MS)).isNull();
    kept.keepOn("a", LONG, CopyKeeper.LEAST_MS);
    assertThat(kept.get("a", CopyKeeper.LEAST_MS)).as("what is over stays over").isNull();
  }

  @Test
  void whatWasUsedLongestAgo_makesRoom_butNotWhatCameAMomentAgo() {
    kept.put("a", "A", Cause.READ, 40, LONG, 0);
    kept.put("b", "B", Cause.READ, 40, LONG, 0);
    kept.get("a", 1);
    assertThat(kept.put("c", "C", Cause.READ, 40, LONG, 5_000)).isFalse();
    assertThat(kept.put("c", "C", Cause.READ, 40, LONG, CopyKeeper.LEAST_MS)).isTrue();
    assertThat(pushedOut).containsExactly("B");
    assertThat(kept.get("a", CopyKeeper.LEAST_MS)).isEqualTo("A");
    assertThat(kept.stats()).isEqualTo(new KeptStats(2, 80, 100, 1, 1));
    assertThat(kept.put("d", "D", Cause.READ, 101, LONG, 1e8)).as("larger than all").isFalse();
  }

  @Test
  void whatIsLargerThanAllThatMayGo_emptiesNothing() {
    kept.put("a", "A", Cause.READ, 40, LONG, 0);
    kept.put("b", "B", Cause.READ, 40, LONG, 0);
    double later = 10 * CopyKeeper.LEAST_MS;
    assertThat(kept.put("huge", "H", Cause.READ, 101, LONG, later)).isFalse();
    kept.put("c", "C", Cause.READ, 15, LONG, later);
    assertThat(kept.put("d", "D", Cause.READ, 90, LONG, later)).as("c came a moment ago").isFalse();
    assertThat(pushedOut).isEmpty();
    assertThat(kept.get("a", later)).isEqualTo("A");
    assertThat(kept.get("b", later)).isEqualTo("B");
    assertThat(kept.stats()).isEqualTo(new KeptStats(3, 95, 100, 0, 2));
  }

  @Test
  void whatComesUnasked_hasRoom_unlessItIsNearlyFull_orSomethingFoundNoneAMomentAgo() {
    kept.put("a", "A", Cause.READ, 40, LONG, 0);
    assertThat(kept.hasRoom(0)).isTrue();
    assertThat(kept.put("b", "B", Cause.READ, 70, LONG, 1)).isFalse();
    assertThat(kept.hasRoom(CopyKeeper.LEAST_MS)).as("so that its sender hears of it").isFalse();
    assertThat(kept.hasRoom(1 + CopyKeeper.LEAST_MS)).isTrue();
    assertThat(kept.put("b", "B", Cause.READ, 48, LONG, CopyKeeper.LEAST_MS)).isTrue();
    assertThat(kept.hasRoom(1e8)).as("88 of 100").isFalse();
  }

  @Test
  void whatOthersTakeOfTheRoom_isNotThereForIt_andWhatTheyNeed_itGivesUp() {
    kept.put("a", "A", Cause.READ, 40, LONG, 0);
    assertThat(room.take(70)).isTrue();
    assertThat(kept.put("b", "B", Cause.READ, 20, LONG, 1)).as("10 are left").isFalse();
    double later = 2 * CopyKeeper.LEAST_MS;
    assertThat(kept.hasRoom(later)).as("40 of 50").isTrue();
    assertThat(kept.put("c", "C", Cause.READ, 8, LONG, later)).isTrue();
    assertThat(kept.hasRoom(later)).as("48 of 50").isFalse();

    room.yieldBy(missing -> kept.giveUp(missing, later));
    assertThat(room.take(30)).isTrue();
    assertThat(pushedOut).containsExactly("A");
    assertThat(room.bytes()).isEqualTo(108);
    assertThat(room.take(20)).as("c came a moment ago").isFalse();
    assertThat(kept.get("c", later)).isEqualTo("C");
    room.release(100);
    kept.drop("c");
    assertThat(room.bytes()).isZero();
  }

  @Test
  void aSmallerBound_isKeptAtOnce() {
    kept.put("a", "A", Cause.READ, 40, LONG, 0);
    kept.put("b", "B", Cause.READ, 40, LONG, 0);
    kept.setMaxBytes(50);
    assertThat(pushedOut).containsExactly("A");
    kept.setMaxBytes(0);
    assertThat(kept.hasRoom(1e8)).isFalse();
    assertThat(kept.put("a", "A", Cause.READ, 1, LONG, 1)).isFalse();
  }

  @Test
  void itSays_whyACopyIsHere_andForHowLong() {
    kept.put("a", "A", Cause.SENT, 40, 60_000, 1_000);
    assertThat(kept.explain("a", 11_000))
        .isEqualTo(new KeptCopy(Cause.SENT, 40, Duration.ofSeconds(10), Duration.ofSeconds(50)));
    kept.keepOn("a", 80_000, 11_000);
    assertThat(kept.explain("a", 11_000))
        .isEqualTo(new KeptCopy(Cause.SENT, 40, Duration.ofSeconds(10), Duration.ofSeconds(80)));
    assertThat(kept.explain("a", 91_000)).isNull();
    assertThat(kept.explain("b", 0)).isNull();
    kept.put("b", "B", Cause.WRITTEN, 1, Double.MAX_VALUE, 0);
    assertThat(kept.explain("b", 0).expiresIn()).as("for ever").isPositive();
  }

  @RepeatedTest(20)
  void itNeverHasMoreThanItMay_norAnythingButWhatWasPutLast(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    Map<String, String> put = new HashMap<>();
    long most = 100;
    double nowMs = 0;
    for (int i = 0; i < 5_000; i++) {
      nowMs += random.nextInt(4_000);
      String path = "n/" + random.nextInt(30);
      switch (random.nextInt(8)) {
        case 0 -> {
          kept.drop(path);
          put.remove(path);
        }
        case 1 -> kept.keepOn(path, random.nextInt(100_000), nowMs);
        case 2 -> kept.sweep(nowMs);
        case 3 -> {
          most = random.nextInt(200);
          kept.setMaxBytes(most);
        }
        default -> {
          put.remove(path);
          if (kept.put(
              path, path + i, Cause.READ, random.nextInt(60), random.nextInt(100_000), nowMs)) {
            put.put(path, path + i);
          }
        }
      }
      assertThat(kept.stats().bytes()).isBetween(0L, most);
      String there = kept.get(path, nowMs);
      assertThat(there == null || there.equals(put.get(path))).isTrue();
    }
  }
}
