package io.metafabric;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.HomeMoveException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.node.FabricNode;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.HomeMoves;
import io.metafabric.replicate.PeerStats;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What operators ask of an open fabric: links, members, homes, comparisons. Thread-safe. */
final class Operations {
  private final OpenState state;
  private final RunningNode running;
  private final Duration fetchTimeout;
  private final Duration writeTimeout;

  Operations(OpenState state, RunningNode running, Duration fetchTimeout, Duration writeTimeout) {
    this.state = state;
    this.running = running;
    this.fetchTimeout = fetchTimeout;
    this.writeTimeout = writeTimeout;
  }

  private FabricNode<Versioned> node() {
    return running.get();
  }

  List<Peer> peers() {
    state.requireOpen();
    return node().replicator().peers().stream().map(region -> (Peer) new Link(region)).toList();
  }

  Peer peer(String region) {
    Objects.requireNonNull(region, "region");
    state.requireOpen();
    var name = new RegionName(region);
    if (!node().replicator().peers().contains(name)) {
      throw new ConfigurationException(
          "region " + name + " is not a peer here; the peers are " + node().replicator().peers());
    }
    return new Link(name);
  }

  void moveHome(String key, String region) {
    Key parsed = Key.of(key);
    var to = new RegionName(region);
    state.requireOpen();
    HomeMoves.Result moved = awaitMove(node().moveHome(parsed, to), parsed);
    switch (moved.outcome()) {
      case DONE -> {}
      case UNREACHABLE -> throw new RegionUnreachableException(notMoved(parsed, to, moved));
      default -> throw new HomeMoveException(notMoved(parsed, to, moved));
    }
  }

  private HomeMoves.Result awaitMove(CompletableFuture<HomeMoves.Result> moving, Key key) {
    // The longest there is: the old home reads the record elsewhere and asks the new one.
    Duration longest = fetchTimeout.multipliedBy(3);
    try {
      return moving.get(longest.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return new HomeMoves.Result(MoveOutcome.UNREACHABLE, "no answer within " + longest);
    } catch (InterruptedException e) {
      throw OpenState.interrupted("moving the home of " + key, e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
  }

  private static String notMoved(Key key, RegionName to, HomeMoves.Result moved) {
    return "the home of " + key + " was not moved to " + to + ": " + moved.message();
  }

  Comparison compare(String region) {
    Objects.requireNonNull(region, "region");
    state.requireOpen();
    CompletableFuture<Comparison> comparing;
    try {
      comparing = node().compare(new RegionName(region));
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(e.getMessage() + "; name one of the peers");
    }
    try {
      return comparing.get();
    } catch (InterruptedException e) {
      throw OpenState.interrupted("comparing with " + region + " (it goes on)", e);
    } catch (ExecutionException e) {
      throw state.isClosed() ? OpenState.closedException() : state.asUnchecked(e.getCause());
    }
  }

  void evict(String region) {
    Objects.requireNonNull(region, "region");
    state.requireOpen();
    await(node().evict(new RegionName(region)), "evicting " + region);
  }

  void readmit(String region) {
    Objects.requireNonNull(region, "region");
    state.requireOpen();
    await(node().readmit(new RegionName(region)), "readmitting " + region);
  }

  private void await(CompletableFuture<Configuration> decision, String doing) {
    try {
      decision.get(writeTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new OverloadedException(
          doing
              + " took more than "
              + writeTimeout
              + ", and may still happen; look at configuration()");
    } catch (InterruptedException e) {
      throw OpenState.interrupted(doing + " (it may still happen)", e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
  }

  private final class Link implements Peer {
    private final RegionName region;

    Link(RegionName region) {
      this.region = region;
    }

    @Override
    public RegionName region() {
      return region;
    }

    @Override
    public PeerStats stats() {
      state.requireOpen();
      return node().replicator().stats(region);
    }

    @Override
    public void pause() {
      state.requireOpen();
      node().replicator().pause(region);
    }

    @Override
    public void resume() {
      state.requireOpen();
      node().replicator().resume(region);
    }
  }
}
