package io.metafabric.replicate;

import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.place.Place;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * In which regions a payload must be, in which it probably is, and whom to ask for it first. Keeps
 * nothing itself. What looks at copies belongs to the loop; the rest is for any thread.
 */
final class PayloadPlaces {
  private final RegionName here;
  private final HomeLookup homes;
  private final RecordStore store;
  private final Holders holders;
  private final CopyHints hints;
  private final Peers peers;
  private final RegionRouter router;

  /**
   * @param holders which regions were given a copy by this one
   * @param hints which others have one by leave of their homes
   */
  PayloadPlaces(
      RegionName here,
      HomeLookup homes,
      RecordStore store,
      Holders holders,
      CopyHints hints,
      Peers peers,
      RegionRouter router) {
    this.here = here;
    this.homes = homes;
    this.store = store;
    this.holders = holders;
    this.hints = hints;
    this.peers = peers;
    this.router = router;
  }

  /**
   * Whether a region is to hold a key's payloads in its journal: home and backup are; of the
   * fabric's own records, and of what is merged, everybody is. A merged value hides what it was
   * made of, also where that was acknowledged: so it goes nowhere without its payload.
   */
  boolean isToHold(RegionName region, Key key) {
    return key.isSystem()
        || store.conflictRules().of(key).merge() != null
        || homes.isHeldBy(region, key);
  }

  boolean isToHoldHere(Key key) {
    return isToHold(here, key);
  }

  /** A record that came by repair is held like any other. */
  Inbound repaired(MetadataRecord record) {
    return new Inbound(record, isToHoldHere(record.key()));
  }

  RegionName homeOf(Key key) {
    return homes.homesOf(key).home();
  }

  boolean isHome(Key key) {
    return homeOf(key).equals(here);
  }

  /** In how many other regions a payload can probably be read. On the loop. */
  int copiesElsewhere(Key key, Header header) {
    var holding = new TreeSet<RegionName>(holders.of(key));
    Homes at = homes.homesOf(key);
    holding.add(at.home());
    RegionName backup = at.backup();
    if (backup != null) {
      holding.add(backup);
    }
    holding.add(header.writtenIn());
    holding.removeIf(region -> !peers.isTrusted(region));
    return holding.size();
  }

  /** Whom to ask for a payload, in this order. On the loop. */
  List<RegionName> candidates(Key key, @Nullable Header known) {
    var hold = new ArrayList<RegionName>(3);
    addHomes(hold, key);
    if (known == null) {
      // Only these two can say that there is none, and of the two the home is to be asked first.
      return router.wellFirst(hold);
    }
    addOther(hold, known.writtenIn());
    var hinted = new ArrayList<RegionName>();
    holders.of(key).forEach(region -> addOther(hinted, region));
    hints.of(key).forEach(region -> addOther(hinted, region));
    return router.nearest(hold, hinted);
  }

  private void addHomes(List<RegionName> to, Key key) {
    Homes at = homes.homesOf(key);
    addOther(to, at.home());
    addOther(to, at.backup());
  }

  /** If it is a peer, and not there yet. */
  void addOther(List<RegionName> to, @Nullable RegionName region) {
    if (region != null && peers.isPeer(region) && !to.contains(region)) {
      to.add(region);
    }
  }

  /** What home or backup of a key says of its shadows; nobody else knows. On the loop. */
  void told(RegionName by, Frame.Copies copies) {
    if (!isToHold(by, copies.key()) || isToHoldHere(copies.key())) {
      return;
    }
    var elsewhere = new TreeMap<>(copies.leftMs());
    elsewhere.keySet().removeIf(region -> region.equals(by) || !peers.isPeer(region));
    hints.told(copies.key(), elsewhere);
  }

  /** As {@link Replicator#nearestHomes}. */
  List<RegionName> nearestHomes(Key key) {
    var hold = new ArrayList<RegionName>(2);
    addHomes(hold, key);
    return router.nearest(hold, List.of());
  }

  /** Whom a fetch of the key would ask first; null if there is nobody, or no measurement yet. */
  @Nullable FetchPath fetchPath(Key key, @Nullable Header known) {
    return firstPath(candidates(key, known));
  }

  /** As {@link Replicator#keptPath}. */
  @Nullable FetchPath keptPath(Key key, Header known) {
    var hold = new ArrayList<RegionName>(3);
    addHomes(hold, key);
    addOther(hold, known.writtenIn());
    return firstPath(router.nearest(hold, List.of()));
  }

  private @Nullable FetchPath firstPath(List<RegionName> regions) {
    for (RegionName region : regions) {
      Outbound link = peers.link(region);
      if (link.isEstablished()) {
        double rttMs = link.rttMs();
        return Double.isNaN(rttMs) ? null : new FetchPath(region, rttMs, link.pressure());
      }
    }
    return null;
  }

  /** As {@link Replicator#route}; on the loop. */
  Route route(Key key, @Nullable Place client, Map<RegionName, Double> measuredMs, boolean isHere) {
    Set<RegionName> all = peers.members();
    all.add(here);
    var holding = new TreeSet<RegionName>();
    Header known = store.header(key);
    if (known != null && !known.isTombstone()) {
      holding.addAll(holders.of(key));
      holding.addAll(hints.of(key));
      all.stream().filter(region -> isToHold(region, key)).forEach(holding::add);
      holding.retainAll(all);
      holding.remove(here);
    }
    if (isHere) {
      holding.add(here);
    }
    return router.route(key, all, holding, client, measuredMs);
  }
}
