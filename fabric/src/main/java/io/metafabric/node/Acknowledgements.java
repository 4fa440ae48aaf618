package io.metafabric.node;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.place.Homes;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.session.WriteConcernException;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.replicate.Replicator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Waits until writes are durable in other regions, as those have said. Thread-safe. */
public final class Acknowledgements {
  private final RecordStore store;
  private final Replicator replicator;
  private final Function<Key, Homes> homes;
  private final Waits waits;
  private final WhatIsMissing missing;

  Acknowledgements(
      RecordStore store,
      Replicator replicator,
      Function<Key, Homes> homes,
      Waits waits,
      WhatIsMissing missing) {
    this.store = store;
    this.replicator = replicator;
    this.homes = homes;
    this.waits = waits;
    this.missing = missing;
  }

  /**
   * Waits until a region has durably applied everything that a session depends on.
   *
   * @return fails with a {@link io.metafabric.core.error.NotReplicatedException} after {@code
   *     timeout}
   * @throws ConfigurationException if there is no such region
   */
  public CompletableFuture<Void> replicated(
      Dependencies needs, RegionName region, Duration timeout) {
    if (!region.equals(store.region()) && !replicator.peers().contains(region)) {
      throw new ConfigurationException(
          "region " + region + " is not known here; the peers are " + replicator.peers());
    }
    var done = new CompletableFuture<Void>();
    VersionVector all = needs.all();
    var awaited = new AwaitedWrites(all);
    waits.add(
        new Waits.Attempt() {
          @Override
          public CompletableFuture<?> ended() {
            return done;
          }

          @Override
          public void tryNow() {
            if (region.equals(store.region())) {
              replicatedHere();
            } else if (awaited.haveCome(actor -> replicator.freshness().appliedBy(region, actor))) {
              done.complete(null);
            } else {
              replicator.freshness().ask(region);
            }
          }

          private void replicatedHere() {
            if (!awaited.haveCome(store::completeUpTo)) {
              return;
            }
            if (store.durablyApplied().covers(all)) {
              done.complete(null);
            } else {
              store.syncWithin(Duration.ofMillis(1));
            }
          }

          @Override
          public void giveUp() {
            VersionVector there = appliedIn(region);
            done.completeExceptionally(missing.in(region, all, there::counter, timeout));
          }
        },
        Sessions.bytesOf(needs),
        timeout);
    return done;
  }

  private VersionVector appliedIn(RegionName region) {
    return region.equals(store.region())
        ? store.durablyApplied()
        : replicator.freshness().appliedBy(region);
  }

  /**
   * @throws ConfigurationException if no write can meet it, because there is no other region
   */
  public void require(WriteConcern concern) {
    if (concern == WriteConcern.ONE_OTHER_REGION && others().isEmpty()) {
      throw new ConfigurationException(
          "region " + store.region() + " is alone; a write cannot be durable in another one");
    }
  }

  private List<RegionName> others() {
    return replicator.peers().stream().filter(replicator::isPeer).toList();
  }

  /**
   * Waits until a write of this region, which has returned, is durable where it is wanted.
   *
   * @return fails with a {@link WriteConcernException} after {@code timeout}
   */
  public CompletableFuture<Void> durable(
      Key key, Version version, WriteConcern concern, Duration timeout) {
    var done = new CompletableFuture<Void>();
    if (isMet(key, version, concern)) {
      done.complete(null);
      return done;
    }
    waits.add(
        new Waits.Attempt() {
          @Override
          public CompletableFuture<?> ended() {
            return done;
          }

          @Override
          public void tryNow() {
            if (isMet(key, version, concern)) {
              done.complete(null);
            } else {
              store.syncWithin(Duration.ofMillis(1));
            }
          }

          @Override
          public void giveUp() {
            done.completeExceptionally(notMet(key, version, concern, timeout));
          }
        },
        0,
        timeout);
    return done;
  }

  private boolean isMet(Key key, Version version, WriteConcern concern) {
    return switch (concern) {
      case LOCAL -> true;
      case ONE_OTHER_REGION -> others().stream().anyMatch(each -> isDurable(each, version));
      case HOME_AND_BACKUP -> homesOf(key).stream().allMatch(each -> isDurable(each, version));
    };
  }

  private Set<RegionName> homesOf(Key key) {
    Homes at = homes.apply(key);
    var regions = new LinkedHashSet<RegionName>();
    regions.add(at.home());
    RegionName backup = at.backup();
    if (backup != null) {
      regions.add(backup);
    }
    return regions;
  }

  private boolean isDurable(RegionName region, Version version) {
    return region.equals(store.region())
        ? store.durablyApplied().contains(version.dot())
        : replicator.hasAcknowledged(region, version.dot());
  }

  private WriteConcernException notMet(
      Key key, Version version, WriteConcern concern, Duration timeout) {
    var durable = new ArrayList<String>();
    if (isDurable(store.region(), version)) {
      durable.add(store.region().name());
    }
    others().stream()
        .filter(each -> isDurable(each, version))
        .forEach(each -> durable.add(each.name()));
    List<RegionName> wanted =
        concern == WriteConcern.HOME_AND_BACKUP ? List.copyOf(homesOf(key)) : others();
    List<String> lacking =
        wanted.stream().filter(each -> !isDurable(each, version)).map(RegionName::name).toList();
    return new WriteConcernException(
        "the write "
            + version.dot()
            + " of "
            + key
            + " stands, and reaches all regions later: within "
            + timeout
            + " it was known to be durable in "
            + durable
            + ", and not in "
            + lacking
            + ", for "
            + concern,
        version,
        durable,
        lacking);
  }
}
