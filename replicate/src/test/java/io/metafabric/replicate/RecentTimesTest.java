package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class RecentTimesTest {
  private final RecentTimes times = new RecentTimes();

  @Test
  void fewTimesSayNothing() {
    for (int i = 1; i < RecentTimes.LEAST; i++) {
      times.add(i);
      assertThat(times.percentileMs(90)).isNaN();
      assertThat(times.longestMs()).isNaN();
    }
    times.add(RecentTimes.LEAST);
    assertThat(times.percentileMs(90)).isEqualTo(18);
    assertThat(times.percentileMs(50)).isEqualTo(10);
    assertThat(times.longestMs()).isEqualTo(20);
    assertThat(times.meanBeyondMs(18)).isEqualTo(19.5);
    assertThat(times.meanBeyondMs(20)).isNaN();
  }

  @RepeatedTest(20)
  void percentilesAreThoseOfTheWindow_atMostEightAnswersAgo(RepetitionInfo run) {
    var random = new SplittableRandom(run.getCurrentRepetition()); // the repetition is the seed
    int count = 400 + random.nextInt(400);
    var all = new double[count];
    for (int i = 0; i < count; i++) {
      all[i] = random.nextDouble() * 100;
      times.add(all[i]);
      times.percentileMs(90);
    }
    boolean found = false;
    for (int late = 0; late < 8; late++) {
      int end = count - late;
      double[] window = Arrays.copyOfRange(all, end - RecentTimes.WINDOW, end);
      Arrays.sort(window);
      found |= window[179] == times.percentileMs(90) && window[199] == times.longestMs();
    }
    assertThat(found).isTrue();
  }

  @Test
  void aLinkThatBecomesSlower_isKnownAsSuchAfterAWindow() {
    for (int i = 0; i < 1000; i++) {
      times.add(10);
    }
    assertThat(times.percentileMs(90)).isEqualTo(10);
    for (int i = 0; i < RecentTimes.WINDOW; i++) {
      times.add(50);
      times.percentileMs(90);
    }
    assertThat(times.percentileMs(1)).isEqualTo(50);
  }
}
