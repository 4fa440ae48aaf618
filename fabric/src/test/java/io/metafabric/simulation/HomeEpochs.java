package io.metafabric.simulation;

import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Key;
import io.metafabric.migrate.MovedHomes;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * At most one home of a key in each epoch of the key and of the cluster; but for an epoch that no
 * region knew any more, since all disks that did are gone: it may come again.
 */
final class HomeEpochs {
  private record Epoch(Key key, long epoch) {}

  private record Place(Epoch at, Configuration configuration) {}

  private final Simulation run;
  private final Map<Place, Homes> homes = new HashMap<>();
  private final Set<Epoch> gone = new HashSet<>();

  HomeEpochs(Simulation run) {
    this.run = run;
  }

  void check(Key key) {
    for (Site site : run.sites()) {
      if (site.isUp()) {
        MovedHomes.Moved here = site.node().movedHome(key);
        var epoch = new Epoch(key, here.epoch());
        Configuration configuration = site.node().configuration();
        Homes agreed = homes.putIfAbsent(new Place(epoch, configuration), here.homes());
        if (agreed != null && !agreed.equals(here.homes()) && !gone.contains(epoch)) {
          String what = "epoch " + here.epoch() + " of " + key + " in " + configuration;
          run.violation(what + ": " + agreed + " and " + here.homes(), null);
        }
      }
    }
  }

  /**
   * A region has been opened with what its disk has: an epoch is gone if neither it nor any other
   * knows that one or a later one. Of those that are down whatever they knew counts, synced or not.
   */
  void opened() {
    for (Place place : homes.keySet()) {
      Epoch each = place.at();
      boolean isKnown =
          each.epoch() == 0
              || run.sites().stream().anyMatch(site -> site.homeEpoch(each.key()) >= each.epoch());
      if (!isKnown && gone.add(each)) {
        run.world().trace("no disk knows epoch " + each.epoch() + " of " + each.key());
      }
    }
  }
}
