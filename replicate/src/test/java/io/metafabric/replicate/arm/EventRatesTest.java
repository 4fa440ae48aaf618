package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class EventRatesTest {
  private static final long SECOND = 1_000_000_000;

  @Test
  void aSteadyRate_isFound_andFadesByHalfInFiveMinutes() {
    var rates = new EventRates(-5);
    long now = 0;
    for (; now < 3_600 * SECOND; now += SECOND / 4) {
      rates.count("n/often", now);
    }
    double steady = rates.perSecond("n/often", now);

    assertThat(steady).isCloseTo(4, within(0.05));
    assertThat(rates.perSecond("n/often", now + 300 * SECOND)).isCloseTo(steady / 2, within(0.02));
    assertThat(rates.perSecond("n/never", now)).isZero();
  }

  @Test
  void ofMoreKeysThanThereIsRoomFor_thoseThatHappenOftenAreKept() {
    var rates = new EventRates(0);
    long now = 0;
    for (int i = 0; i < 200_000; i++) {
      now += SECOND / 100;
      rates.count("n/once/" + i, now);
      rates.count("n/often/" + i % 100, now);
    }
    for (int i = 0; i < 100; i++) {
      assertThat(rates.perSecond("n/often/" + i, now)).as("n/often/%d", i).isGreaterThan(0.9);
    }
  }

  @Test
  void overMonths_countersDoNotRunOver() {
    var rates = new EventRates(0);
    long day = 86_400 * SECOND;
    for (long now = 0; now < 90 * day; now += day / 48) {
      rates.count("n/1", now);
    }
    assertThat(rates.perSecond("n/1", 90 * day)).isBetween(1e-6, 1e-2);
    assertThat(rates.perSecond("n/1", 20_000 * day)).isZero();
  }

  @Test
  void aClockThatGoesBack_changesNoRate() {
    var rates = new EventRates(0);
    rates.count("n/1", 1_000 * SECOND);
    double before = rates.perSecond("n/1", 1_000 * SECOND);

    assertThat(rates.perSecond("n/1", 0)).isEqualTo(before);
  }
}
