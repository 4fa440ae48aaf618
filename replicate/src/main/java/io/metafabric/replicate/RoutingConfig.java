package io.metafabric.replicate;

import io.metafabric.core.place.Place;
import io.metafabric.core.record.RegionName;
import java.util.Map;

/**
 * Whom reads ask.
 *
 * @param places of regions, this one among them, as far as they are known
 */
public record RoutingConfig(Map<RegionName, Place> places, Hedging hedging) {
  public static final RoutingConfig DEFAULT = new RoutingConfig(Map.of(), Hedging.DEFAULT);

  public RoutingConfig {
    places = Map.copyOf(places);
  }
}
