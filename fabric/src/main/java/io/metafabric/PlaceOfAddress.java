package io.metafabric;

import io.metafabric.core.place.Place;
import java.net.InetAddress;
import java.util.Optional;

/**
 * Where clients are, by their addresses: the host's own database or service. Called on the thread
 * that asks for a route, by many at once.
 */
@FunctionalInterface
public interface PlaceOfAddress {
  /**
   * @return empty if it is not known
   */
  Optional<Place> placeOf(InetAddress address);
}
