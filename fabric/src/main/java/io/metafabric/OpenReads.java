package io.metafabric;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.OriginException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Version;
import io.metafabric.node.FabricNode;
import io.metafabric.node.ReadOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The reads of a host: waits for what the node's futures come to, and asks the system of record for
 * keys that no region knows. Owns the loads that are under way. Thread-safe.
 */
final class OpenReads {
  private final OpenState state;
  private final RunningNode running;
  private final Clock clock;
  private final Duration fetchTimeout;
  private final int maxValueBytes;
  private final @Nullable SystemOfRecord origin;
  private final Duration originTimeToLive;
  private final OriginFlights originFlights;

  OpenReads(
      OpenState state,
      RunningNode running,
      Clock clock,
      Duration fetchTimeout,
      int maxValueBytes,
      @Nullable SystemOfRecord origin,
      Duration originTimeToLive) {
    this.state = state;
    this.running = running;
    this.clock = clock;
    this.fetchTimeout = fetchTimeout;
    this.maxValueBytes = maxValueBytes;
    this.origin = origin;
    this.originTimeToLive = originTimeToLive;
    this.originFlights = new OriginFlights(fetchTimeout);
  }

  private FabricNode<Versioned> node() {
    return running.get();
  }

  /** See {@link Records#get(String, ReadOptions)}. */
  Optional<Versioned> get(@Nullable String client, String path, ReadOptions options) {
    Objects.requireNonNull(options, "options");
    state.requireOpen();
    if (path != null) {
      Optional<Versioned> hit = node().hit(client, path);
      if (hit != null) {
        return hit;
      }
    }
    return getBeyondHot(client, Key.of(path), options);
  }

  private Optional<Versioned> getBeyondHot(@Nullable String client, Key key, ReadOptions options) {
    MetadataRecord here = node().readHere(client, key);
    if (here != null) {
      return Optional.of(new Versioned(here));
    }
    ReadOutcome outcome = taken(await(node().read(client, key), key), options);
    if (outcome instanceof ReadOutcome.Absent absent && !absent.everWritten() && origin != null) {
      return counted(client, key, originFlights.ask(key, () -> load(origin, key)));
    }
    node().finished(client, key, outcome);
    if (outcome instanceof ReadOutcome.Value value) {
      return Optional.of(new Versioned(value.record()));
    }
    if (outcome instanceof ReadOutcome.Superseded older) {
      return Optional.of(new Versioned(older.record(), true));
    }
    if (outcome instanceof ReadOutcome.Absent) {
      return Optional.empty();
    }
    if (outcome instanceof ReadOutcome.Unreachable unreachable) {
      if (state.isClosed()) {
        throw OpenState.closedException();
      }
      throw new RegionUnreachableException(
          key
              + " cannot be read now: "
              + unreachable.why()
              + "; this region does not hold it; try again when the link is back");
    }
    throw new IllegalStateException("a read ended with " + outcome);
  }

  private static ReadOutcome taken(ReadOutcome outcome, ReadOptions options) {
    return outcome instanceof ReadOutcome.Superseded older && !options.allowsStale()
        ? new ReadOutcome.Unreachable(
            older.why() + ", and an older value of it was not to be returned")
        : outcome;
  }

  private ReadOutcome await(CompletableFuture<ReadOutcome> reading, Key key) {
    try {
      return reading.get(fetchTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      String why = "no answer within " + fetchTimeout;
      MetadataRecord older = node().supersededHere(key);
      return older == null
          ? new ReadOutcome.Unreachable(why)
          : new ReadOutcome.Superseded(older, why);
    } catch (InterruptedException e) {
      throw OpenState.interrupted("reading " + key, e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
  }

  private Optional<Versioned> counted(
      @Nullable String client, Key key, Optional<Versioned> loaded) {
    ReadOutcome outcome =
        loaded.isPresent()
            ? new ReadOutcome.Value(loaded.get().record(), Outcome.ORIGIN)
            : new ReadOutcome.Absent(false);
    node().finished(client, key, outcome);
    return loaded;
  }

  private Optional<Versioned> load(SystemOfRecord from, Key key) {
    Optional<byte[]> value;
    try {
      value = Objects.requireNonNull(from.load(key.path()), "the system of record returned null");
    } catch (InterruptedException e) {
      throw OpenState.interrupted("loading " + key, e);
    } catch (Exception e) {
      throw new OriginException("the system of record failed to load " + key + ": " + e, e);
    }
    if (value.isEmpty()) {
      return Optional.empty();
    }
    if (value.get().length > maxValueBytes) {
      throw new OriginException(
          "the system of record returned "
              + value.get().length
              + " bytes for "
              + key
              + ", more than maxValueBytes = "
              + maxValueBytes);
    }
    long expiresAtMs = clock.wallMs() + originTimeToLive.toMillis();
    return Optional.of(
        new Versioned(node().fillFromOrigin(key, Bytes.copyOf(value.get()), expiresAtMs)));
  }

  /** See {@link Records#siblings}. */
  Siblings siblings(String path) {
    Key key = Key.of(path);
    state.requireOpen();
    MetadataRecord known;
    try {
      known =
          node()
              .siblings(key)
              .toCompletableFuture()
              .get(fetchTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new RegionUnreachableException(
          "the siblings of " + key + " did not come within " + fetchTimeout);
    } catch (InterruptedException e) {
      throw OpenState.interrupted("reading the siblings of " + key, e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
    if (known == null) {
      return new Siblings(List.of(), false, Version.NONE);
    }
    long nowMs = clock.wallMs();
    var values = new ArrayList<Versioned>();
    boolean deleted = false;
    for (Sibling each : known.shown()) {
      deleted |= each.header().isTombstone();
      if (each.header().isVisibleAt(nowMs)) {
        values.add(new Versioned(new MetadataRecord(key, each.header(), each.payload())));
      }
    }
    return new Siblings(values, deleted, known.seen());
  }

  /** Whoever waits for a load is told. */
  void close() {
    originFlights.close();
  }
}
