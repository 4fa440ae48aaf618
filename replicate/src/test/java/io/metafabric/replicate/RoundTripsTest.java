package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RoundTripsTest {
  private final RoundTrips trips = new RoundTrips();

  @Test
  void nothingIsKnownBeforeTheFirst_andNobodyIsTakenForBusy() {
    assertThat(trips.rttMs()).isNaN();
    assertThat(trips.pressure()).isEqualTo(1);
    trips.measured(80);
    assertThat(trips.rttMs()).isEqualTo(80);
    assertThat(trips.pressure()).isEqualTo(1);
  }

  @Test
  void oneLongTripMovesTheMeanByAFifth() {
    trips.measured(80);
    trips.measured(180);
    assertThat(trips.rttMs()).isCloseTo(100, within(1e-9));
  }

  @Test
  void pressureIsHowMuchLongerThanTheShortestOne_upToABound() {
    trips.measured(9);
    for (int i = 0; i < 100; i++) {
      trips.measured(99);
    }
    assertThat(trips.pressure()).isCloseTo(10, within(1e-6));
    for (int i = 0; i < 100; i++) {
      trips.measured(100_000);
    }
    assertThat(trips.pressure()).isEqualTo(100);
  }
}
