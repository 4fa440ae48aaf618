package io.metafabric.replicate;

import io.metafabric.core.place.Place;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Ranks regions: first those that are well, then the nearest. Near is a short round trip, measured
 * and smoothed; where nothing was measured yet, what the distance between the places lets expect.
 *
 * <p>Thread-safe: looks at each region once per question, so one answer is of one moment.
 */
final class RegionRouter {
  /**
   * What is known of the way to a region.
   *
   * @param rttMs measured, smoothed; NaN before the first measurement
   */
  record Way(RegionHealth health, double rttMs) {}

  /**
   * A copy that a region was given may be gone, and asking in vain costs the way there: as if one
   * in five were.
   */
  private static final double HINT_WEIGHT = 1.25;

  private record Ranked(RegionName region, RegionHealth health, double ms) {}

  private final RegionName local;
  private final Map<RegionName, Place> places;
  private final Function<RegionName, Way> ways;

  /**
   * @param places of regions, as far as configured
   * @param ways of this region to another one; any thread
   */
  RegionRouter(RegionName local, Map<RegionName, Place> places, Function<RegionName, Way> ways) {
    this.local = local;
    this.places = new TreeMap<>(places);
    this.ways = ways;
  }

  /** Of this region to another: measured, else by distance; NaN if neither is known. */
  double expectedRttMs(RegionName to) {
    return expectedRttMs(to, ways.apply(to));
  }

  /** Of two regions: to or from this one as above, between two others by distance; else NaN. */
  double expectedRttMs(RegionName from, RegionName to) {
    if (from.equals(to)) {
      return 0;
    }
    if (from.equals(local)) {
      return expectedRttMs(to);
    }
    return to.equals(local) ? expectedRttMs(from) : byDistance(places.get(from), to);
  }

  private double expectedRttMs(RegionName to, Way way) {
    return Double.isNaN(way.rttMs()) ? byDistance(places.get(local), to) : way.rttMs();
  }

  private double byDistance(@Nullable Place from, RegionName to) {
    Place there = places.get(to);
    return from == null || there == null ? Double.NaN : from.expectedRttMs(there);
  }

  /**
   * In which order to ask for a payload. Of regions that are as well and as far the first given
   * stays first; one of which no distance is known comes behind those that are as well.
   *
   * @param hold are to have it
   * @param hinted were given a copy
   */
  List<RegionName> nearest(Collection<RegionName> hold, Collection<RegionName> hinted) {
    var ranked = new ArrayList<Ranked>(hold.size() + hinted.size());
    for (RegionName region : hold) {
      Way way = ways.apply(region);
      ranked.add(new Ranked(region, way.health(), expectedRttMs(region, way)));
    }
    for (RegionName region : hinted) {
      if (!hold.contains(region)) {
        Way way = ways.apply(region);
        ranked.add(new Ranked(region, way.health(), HINT_WEIGHT * expectedRttMs(region, way)));
      }
    }
    // Double's order has NaN last.
    ranked.sort(Comparator.comparing(Ranked::health).thenComparingDouble(Ranked::ms));
    return ranked.stream().map(Ranked::region).toList();
  }

  /** The same regions, those that are well first; else as they were. */
  List<RegionName> wellFirst(Collection<RegionName> regions) {
    var ranked = new ArrayList<Ranked>(regions.size());
    for (RegionName region : regions) {
      ranked.add(new Ranked(region, ways.apply(region).health(), 0));
    }
    ranked.sort(Comparator.comparing(Ranked::health));
    return ranked.stream().map(Ranked::region).toList();
  }

  /**
   * Which region a client outside should use.
   *
   * @param members to choose from, this region among them or not
   * @param holders of the payload
   * @param client null if only what it measured counts
   * @param measuredMs by the client, of itself to regions
   */
  Route route(
      Key key,
      Collection<RegionName> members,
      Set<RegionName> holders,
      @Nullable Place client,
      Map<RegionName, Double> measuredMs) {
    var health = new TreeMap<RegionName, RegionHealth>();
    var rtts = new TreeMap<RegionName, Double>();
    for (RegionName region : members) {
      boolean isHere = region.equals(local);
      Way way = isHere ? new Way(RegionHealth.WELL, 0) : ways.apply(region);
      health.put(region, way.health());
      rtts.put(region, isHere ? Double.valueOf(0) : Double.valueOf(expectedRttMs(region, way)));
    }
    var choices = new ArrayList<Route.Choice>();
    for (RegionName region : members) {
      double rttMs =
          measuredMs.containsKey(region) ? measuredMs.get(region) : byDistance(client, region);
      choices.add(choice(region, rttMs, measuredMs.containsKey(region), holders, health, rtts));
    }
    choices.sort(
        Comparator.comparing(Route.Choice::health)
            .thenComparingDouble(Route.Choice::readMs)
            .thenComparingDouble(Route.Choice::rttMs)
            .thenComparing(Route.Choice::region));
    return new Route(key, choices);
  }

  private Route.Choice choice(
      RegionName region,
      double rttMs,
      boolean measured,
      Set<RegionName> holders,
      Map<RegionName, RegionHealth> health,
      Map<RegionName, Double> rttsFromHere) {
    RegionHealth its = health.getOrDefault(region, RegionHealth.AWAY);
    String far =
        Double.isNaN(rttMs)
            ? "how far it is from the client is not known"
            : ms(rttMs) + " from the client, " + (measured ? "as it measured" : "by distance");
    if (holders.contains(region)) {
      return new Route.Choice(
          region, rttMs, rttMs, true, its, "holds the payload; " + far + state(its));
    }
    RegionName source = null;
    RegionHealth sourceIs = RegionHealth.AWAY;
    double least = Double.NaN;
    for (RegionName holder : holders) {
      double onwards = between(region, holder, rttsFromHere);
      RegionHealth how = health.getOrDefault(holder, RegionHealth.AWAY);
      boolean answers = how != RegionHealth.AWAY && !Double.isNaN(onwards);
      int better = source == null ? -1 : how.compareTo(sourceIs);
      // As fetches do: first whoever is well, then whoever is near.
      if (answers && (better < 0 || (better == 0 && onwards < least))) {
        source = holder;
        sourceIs = how;
        least = onwards;
      }
    }
    String instead =
        source == null
            ? "does not hold the payload; "
            : "does not hold the payload, and asks " + source + ", " + ms(least) + " further; ";
    return new Route.Choice(region, rttMs, rttMs + least, false, its, instead + far + state(its));
  }

  private double between(RegionName from, RegionName to, Map<RegionName, Double> rttsFromHere) {
    if (from.equals(local)) {
      return rttsFromHere.getOrDefault(to, Double.NaN);
    }
    if (to.equals(local)) {
      return rttsFromHere.getOrDefault(from, Double.NaN);
    }
    return byDistance(places.get(from), to);
  }

  private String state(RegionHealth health) {
    return health == RegionHealth.WELL
        ? ""
        : "; " + health.name().toLowerCase(Locale.ROOT) + ", as seen in " + local;
  }

  private static String ms(double ms) {
    return String.format(Locale.ROOT, "%.1f ms", ms);
  }
}
