package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class NeedPaceTest {
  private final NeedPace pace = new NeedPace();
  private long nowMs = 1_000_000;

  private void needs(int count, long everyMs) {
    for (int i = 0; i < count; i++) {
      nowMs += everyMs;
      pace.need(nowMs);
    }
  }

  @Test
  void beforeThereWereEnough_nothingIsSaid() {
    needs(63, 10);
    assertThat(pace.timeOf(64)).isNull();
    needs(65, 10);
    assertThat(pace.timeOf(100)).isCloseTo(Duration.ofSeconds(1), Duration.ofMillis(20));
  }

  @Test
  void aBurst_doesNotMakeItNothing() {
    needs(5_000, 1_000);
    needs(500, 0);
    assertThat(pace.timeOf(1)).isGreaterThan(Duration.ofMillis(500));
  }

  @Test
  void aClockThatIsSetBack_tookNoTime_andWhatItWasAheadByIsForgotten() {
    needs(640, 10);
    nowMs += Duration.ofDays(365).toMillis();
    needs(64, 10);
    nowMs -= Duration.ofDays(365).toMillis();
    needs(64, 10);
    assertThat(pace.timeOf(1)).isPositive();
    needs(64 * 400, 10);
    assertThat(pace.timeOf(100)).isCloseTo(Duration.ofSeconds(1), Duration.ofMillis(20));
  }

  @Test
  void timesAsFarApartAsTheyMayBe_stayInBounds() {
    nowMs = Long.MIN_VALUE + 1;
    needs(100, 0);
    nowMs = Long.MAX_VALUE;
    needs(100, 0);
    assertThat(pace.timeOf(1_024)).isBetween(Duration.ZERO, Duration.ofDays(1_024));
  }
}
