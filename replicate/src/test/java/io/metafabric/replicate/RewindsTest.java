package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RewindsTest {
  private static final long MS = 1_000_000;

  private final RoundTrips trips = new RoundTrips();
  private final Rewinds rewinds = new Rewinds(trips);

  @Test
  void aPeerThatIsNotHeard_isSentAllAgain_afterTwoSeconds() {
    rewinds.reset(0);
    assertThat(rewinds.isDue(2_000 * MS)).isFalse();
    assertThat(rewinds.isDue(2_001 * MS)).isTrue();
    rewinds.notStuck(2_000 * MS);
    assertThat(rewinds.isDue(4_000 * MS)).isFalse();
  }

  @Test
  void whereTheWayIsLong_itIsWaitedForFourRoundTrips() {
    trips.measured(1_000);
    rewinds.reset(0);
    assertThat(rewinds.isDue(4_000 * MS)).isFalse();
    assertThat(rewinds.isDue(4_001 * MS)).isTrue();
  }

  @Test
  void pausesDouble_upToFiveSeconds_untilItWasNotInVain() {
    trips.measured(100);
    rewinds.reset(0);
    assertThat(rewinds.waitNanos(0)).as("the first one need not wait").isZero();
    long now = 0;
    for (long pauseMs : new long[] {100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000}) {
      rewinds.rewound(now);
      assertThat(rewinds.waitNanos(now)).isEqualTo(pauseMs * MS);
      now += pauseMs * MS;
    }
    rewinds.gotOn();
    rewinds.rewound(now);
    assertThat(rewinds.waitNanos(now)).isEqualTo(100 * MS);
    assertThat(rewinds.resends()).isEqualTo(9);
  }

  /** The first three in vain may be lost frames; more are not. */
  @Test
  void afterThreeInVain_oneBatchHasToDo_andPausesOfSilenceDoubleUpToHalfAMinute() {
    trips.measured(80);
    rewinds.reset(0);
    long now = 0;
    for (long silenceMs : new long[] {2_000, 2_000, 2_000, 2_000, 4_000, 8_000, 16_000, 30_000}) {
      assertThat(rewinds.windowBytes(1000)).isEqualTo(rewinds.resends() <= 3 ? 1000 : 1);
      assertThat(rewinds.isDue(now + silenceMs * MS)).isFalse();
      now += silenceMs * MS + 1;
      assertThat(rewinds.isDue(now)).as("after %s ms", silenceMs).isTrue();
      rewinds.rewound(now);
    }
    rewinds.notStuck(now);
    assertThat(rewinds.windowBytes(1000)).as("it may have said what it had said").isEqualTo(1);
    rewinds.gotOn();
    assertThat(rewinds.windowBytes(1000)).isEqualTo(1000);
    assertThat(rewinds.isDue(now + 5_001 * MS)).isTrue();
  }

  @Test
  void withoutAMeasurement_orOnAShortWay_theFirstPauseIsTwentyMilliseconds() {
    rewinds.reset(0);
    rewinds.rewound(0);
    assertThat(rewinds.waitNanos(0)).isEqualTo(20 * MS);
    trips.measured(1);
    rewinds.reset(0);
    rewinds.rewound(0);
    assertThat(rewinds.waitNanos(0)).isEqualTo(20 * MS);
  }
}
