package io.metafabric;

import io.metafabric.core.error.InvalidPlaceException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.UnknownPlaceException;
import io.metafabric.core.place.Place;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.node.FabricNode;
import io.metafabric.replicate.Route;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Which region clients outside should use. Thread-safe. */
final class Routes {
  private static final Duration LONGEST_RTT = Duration.ofMinutes(1);

  private final OpenState state;
  private final RunningNode running;
  private final Set<RegionName> placed;
  private final @Nullable PlaceOfAddress resolver;
  private final Duration timeout;

  /**
   * @param placed regions whose place is known
   * @param timeout for this node's own loop
   */
  Routes(
      OpenState state,
      RunningNode running,
      Set<RegionName> placed,
      @Nullable PlaceOfAddress resolver,
      Duration timeout) {
    this.state = state;
    this.running = running;
    this.placed = Set.copyOf(placed);
    this.resolver = resolver;
    this.timeout = timeout;
  }

  Route route(String path, InetAddress address) {
    Key key = Key.of(path);
    Objects.requireNonNull(address, "address");
    state.requireOpen();
    return route(key, placeOf(address), Map.of());
  }

  private Place placeOf(InetAddress address) {
    if (resolver == null) {
      throw new UnknownPlaceException(
          "where addresses are is not known; give the builder a placeOfAddress(...), or the route"
              + " a place");
    }
    Optional<Place> found;
    try {
      found = resolver.placeOf(address);
    } catch (RuntimeException e) {
      throw new UnknownPlaceException(
          "placeOfAddress failed for address " + address.getHostAddress() + ": " + e, e);
    }
    if (found == null || found.isEmpty()) {
      throw new UnknownPlaceException(
          "placeOfAddress does not know where address "
              + address.getHostAddress()
              + " is; give a place instead");
    }
    return found.get();
  }

  Route route(String path, Place client, Map<String, Duration> measured) {
    Key key = Key.of(path);
    Objects.requireNonNull(client, "client");
    Objects.requireNonNull(measured, "measured");
    state.requireOpen();
    return route(key, client, measured);
  }

  Route route(String path, Map<String, Duration> measured) {
    Key key = Key.of(path);
    Objects.requireNonNull(measured, "measured");
    state.requireOpen();
    return route(key, (Place) null, measured);
  }

  private Route route(Key key, @Nullable Place client, Map<String, Duration> measured) {
    FabricNode<Versioned> node = running.get();
    var measuredMs = new TreeMap<RegionName, Double>();
    measured.forEach((region, rtt) -> measuredMs.put(regionOf(node, region), ms(region, rtt)));
    if (measuredMs.isEmpty() && (client == null || placed.isEmpty())) {
      throw new UnknownPlaceException(
          client == null
              ? "the client measured no region; give measured times, or its place"
              : "no region's place is known, and the client measured none; give the builder the"
                  + " regions' places with place(region, latitude, longitude)");
    }
    try {
      return node.route(key, client, measuredMs).get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      state.requireOpen();
      throw new OverloadedException("no route within " + timeout + ": this node is too busy");
    } catch (InterruptedException e) {
      throw OpenState.interrupted("looking for a route for " + key, e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
  }

  private static RegionName regionOf(FabricNode<Versioned> node, String name) {
    var region = new RegionName(Objects.requireNonNull(name, "measured"));
    if (!region.equals(node.region()) && !node.replicator().peers().contains(region)) {
      throw new InvalidPlaceException(
          "measured names region " + region + ", which is neither this one nor a peer");
    }
    return region;
  }

  private static double ms(String region, Duration rtt) {
    Objects.requireNonNull(rtt, "measured");
    if (rtt.isNegative() || rtt.compareTo(LONGEST_RTT) > 0) {
      throw new InvalidPlaceException(
          "measured round trip to region " + region + " must be 0 to 60 s, was " + rtt);
    }
    return rtt.toNanos() / 1e6;
  }
}
