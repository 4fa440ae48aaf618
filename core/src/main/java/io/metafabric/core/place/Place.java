package io.metafabric.core.place;

import io.metafabric.core.error.InvalidPlaceException;

/**
 * A place on the Earth. Immutable.
 *
 * @param latitude in degrees, -90 to 90, north is positive
 * @param longitude in degrees, -180 to 180, east is positive
 */
public record Place(double latitude, double longitude) {
  /** Mean radius of the Earth (IUGG). */
  private static final double EARTH_RADIUS_KM = 6371.0088;

  /**
   * Light in fibre: 299,792.458 km/s over a group index of 1.4682 (ITU-T G.652 fibre at 1550 nm, as
   * in Corning's data sheet of SMF-28 Ultra).
   */
  private static final double FIBRE_KM_PER_MS = 299.792458 / 1.4682;

  /**
   * Cables and routes do not follow the great circle: the median of 23 round trips between cloud
   * regions over what light would take; half of them are within 1.7 and 2.1 (cloudping.co, AWS from
   * Cape Town and Hong Kong, as of 2026-11).
   */
  private static final double DETOUR = 1.8;

  /** Of both machines, and of the way to the next long cable. */
  private static final double ENDS_MS = 1;

  /**
   * @throws InvalidPlaceException naming what is out of range
   */
  public Place {
    require("latitude", latitude, 90);
    require("longitude", longitude, 180);
  }

  private static void require(String name, double degrees, double most) {
    if (!(degrees >= -most && degrees <= most)) {
      throw new InvalidPlaceException(
          name + " must be -" + (int) most + " to " + (int) most + " degrees, was " + degrees);
    }
  }

  /** Along the great circle. The same bits on every machine. */
  public double distanceKm(Place that) {
    double lat = StrictMath.toRadians(latitude);
    double thatLat = StrictMath.toRadians(that.latitude);
    double sinLat = StrictMath.sin((thatLat - lat) / 2);
    double sinLon = StrictMath.sin(StrictMath.toRadians(that.longitude - longitude) / 2);
    double haversine =
        sinLat * sinLat + StrictMath.cos(lat) * StrictMath.cos(thatLat) * sinLon * sinLon;
    return 2 * EARTH_RADIUS_KM * StrictMath.asin(Math.min(1, StrictMath.sqrt(haversine)));
  }

  /**
   * What a round trip may take of which nothing was measured: {@code 1 ms + 2 x distance x 1.8 /
   * 204.19 km/ms}, the last being light in fibre.
   */
  public double expectedRttMs(Place that) {
    return ENDS_MS + 2 * distanceKm(that) * DETOUR / FIBRE_KM_PER_MS;
  }
}
