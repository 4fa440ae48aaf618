package io.metafabric.core.place;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.error.InvalidPlaceException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlaceTest {
  private static final Place ASHBURN = new Place(39.04, -77.49);
  private static final Place DUBLIN = new Place(53.35, -6.26);

  @Test
  void distanceIsAlongTheGreatCircle() {
    double quarterKm = Math.PI / 2 * 6371.0088;
    assertThat(new Place(0, 0).distanceKm(new Place(0, 90))).isCloseTo(quarterKm, within(0.001));
    assertThat(new Place(90, 0).distanceKm(new Place(0, 77))).isCloseTo(quarterKm, within(0.001));
    assertThat(new Place(0, 180).distanceKm(new Place(0, -180))).isCloseTo(0, within(1e-6));
    assertThat(new Place(0, 0).distanceKm(new Place(0, 180)))
        .as("the other side of the Earth")
        .isCloseTo(2 * quarterKm, within(0.001));
    assertThat(ASHBURN.distanceKm(DUBLIN)).isCloseTo(5446, within(30.0));
    assertThat(DUBLIN.distanceKm(ASHBURN)).isEqualTo(ASHBURN.distanceKm(DUBLIN));
  }

  @Test
  void aRoundTripIsThatOfLightInFibre_withADetour() {
    assertThat(ASHBURN.expectedRttMs(ASHBURN)).isEqualTo(1);
    // 2 x 5446 km x 1.8 / 204.19 km/ms + 1 ms
    assertThat(ASHBURN.expectedRttMs(DUBLIN)).isCloseTo(97, within(1.0));
  }

  @ParameterizedTest
  @CsvSource({
    "90.1, 0, latitude",
    "-91, 0, latitude",
    "NaN, 0, latitude",
    "Infinity, 0, latitude",
    "0, 180.5, longitude",
    "0, -181, longitude",
    "0, NaN, longitude"
  })
  void whatIsNoPlace_isRefusedByName(double latitude, double longitude, String field) {
    assertThatThrownBy(() -> new Place(latitude, longitude))
        .isInstanceOf(InvalidPlaceException.class)
        .hasMessageStartingWith(field + " must be -")
        .hasMessageContaining("was ");
  }
}
