package io.metafabric.replicate;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.EvictedException;
import io.metafabric.core.error.EvictionException;
import io.metafabric.core.journal.JournalEntry.Configured;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which regions belong to the cluster. A configuration is in the journal before anybody is told of
 * it; operators make a new one, and peers bring those of others.
 *
 * <p>Belongs to the loop, but for what says so.
 */
final class Membership {
  /** Is told on the loop. */
  interface Observer {
    void changed(Configuration before, Configuration now);
  }

  private static final Duration AGAIN = Duration.ofMillis(10);

  private final ReplicationConfig config;
  private final RecordStore store;
  private final SerialExecutor loop;
  private Observer observer = (before, now) -> {};
  private BooleanSupplier lacksOwn = () -> false;
  private volatile Configuration current;

  Membership(ReplicationConfig config, RecordStore store, SerialExecutor loop) {
    this.config = config;
    this.store = store;
    this.loop = loop;
    this.current = store.configured().configuration();
  }

  /** To be called before the first frame. */
  void tell(Observer whom) {
    observer = whom;
  }

  /**
   * To be called before the first frame.
   *
   * @param lacking whether writes of this region are missing here that peers have
   */
  void evictNobodyWhile(BooleanSupplier lacking) {
    lacksOwn = lacking;
  }

  /** Any thread. */
  Configuration configuration() {
    return current;
  }

  /** Any thread. */
  boolean isMember(RegionName region) {
    return current.isMember(region);
  }

  /** Any thread: whether this region takes part, with the state that it has. */
  boolean isAdmitted() {
    return store.configured().admits(config.region());
  }

  /** Any thread: whether this region has been taken in again, and its state is of before. */
  boolean mustRefill() {
    return !isAdmitted() && store.configured().configuration().isMember(config.region());
  }

  /**
   * An operator's decision. Any thread.
   *
   * @return completes once the new configuration is durable here; with an {@link EvictionException}
   *     if it is not to be had
   */
  CompletableFuture<Configuration> evict(RegionName region) {
    return decide(region, true);
  }

  /** The same for taking a region in again. */
  CompletableFuture<Configuration> readmit(RegionName region) {
    return decide(region, false);
  }

  private CompletableFuture<Configuration> decide(RegionName region, boolean evict) {
    requireOther(region, evict);
    var result = new CompletableFuture<Configuration>();
    loop.execute(() -> decide(region, evict, result));
    return result;
  }

  private void decide(RegionName region, boolean evict, CompletableFuture<Configuration> result) {
    Configured held = store.configured();
    Configuration now = held.configuration();
    RuntimeException problem = problem(held, region, evict);
    if (problem != null) {
      result.completeExceptionally(problem);
      return;
    }
    if (now.isMember(region) != evict) {
      result.complete(now);
      return;
    }
    Configuration next = evict ? now.without(region) : now.readmitting(region);
    configure(new Configured(next, held.admitted(), held.filled()))
        .whenComplete(
            (taken, failure) -> {
              if (failure != null) {
                result.completeExceptionally(failure);
              } else if (taken) {
                result.complete(next);
              } else {
                // Another one is on its way to the disk.
                loop.schedule(AGAIN, () -> decide(region, evict, result));
              }
            });
  }

  private void requireOther(RegionName region, boolean evict) {
    if (region.equals(config.region())) {
      throw new EvictionException(
          "region "
              + region
              + " is this one, which cannot "
              + (evict ? "evict" : "readmit")
              + " itself; call it in a region that stays");
    }
    if (!config.peers().containsKey(region)) {
      throw new ConfigurationException(
          "region "
              + region
              + " is not a peer of "
              + config.region()
              + "; name one of "
              + config.peers().keySet());
    }
  }

  private @Nullable RuntimeException problem(Configured held, RegionName region, boolean evict) {
    if (!held.admits(config.region())) {
      return new EvictedException(
          "region "
              + config.region()
              + " was evicted itself ("
              + held.configuration()
              + ") and decides nothing; call it in a member, or, if none is left, open the regions that"
              + " are without peer(...) of those that are gone");
    }
    return evict && held.configuration().isMember(region) ? notToBeEvicted(held, region) : null;
  }

  private @Nullable EvictionException notToBeEvicted(Configured held, RegionName region) {
    String otherwise = ", or open " + config.region() + " without peer(\"" + region + "\", ...)";
    long left =
        config.regions().stream()
            .filter(each -> !each.equals(region) && held.configuration().isMember(each))
            .count();
    if (left < 2) {
      return new EvictionException(
          "without region "
              + region
              + " only "
              + config.region()
              + " would be left, and two that are left could evict each other; readmit another"
              + " region first"
              + otherwise);
    }
    if (!held.filled() || lacksOwn.getAsBoolean()) {
      // Perhaps nobody else has by now what it acknowledged before it was emptied.
      return new EvictionException(
          "region "
              + config.region()
              + (held.filled() ? " lacks writes of its own" : " is being filled anew")
              + " and may need region "
              + region
              + " for that; evict it in a region that has all, or wait until this one has; if none is"
              + " left that has all, open every region that is left without peer(\""
              + region
              + "\", ...)");
    }
    return null;
  }

  /**
   * Goes over to a peer's configuration, if that follows the one that is held.
   *
   * @return completes on the loop: whether it is held now
   */
  CompletableFuture<Boolean> adopt(Configuration theirs) {
    Configured held = store.configured();
    if (!theirs.follows(held.configuration())) {
      return CompletableFuture.completedFuture(theirs.equals(held.configuration()));
    }
    return configure(new Configured(theirs, held.admitted(), held.filled()));
  }

  /** This region has got back what the others have. */
  CompletableFuture<Boolean> filled() {
    Configured held = store.configured();
    return configure(new Configured(held.configuration(), held.admitted(), true));
  }

  private CompletableFuture<Boolean> configure(Configured next) {
    var result = new CompletableFuture<Boolean>();
    CompletableFuture<Boolean> stored;
    try {
      stored = store.configure(next);
    } catch (RuntimeException e) {
      stored = CompletableFuture.failedFuture(e);
    }
    stored.whenComplete(
        (taken, failure) ->
            loop.execute(
                () -> {
                  if (failure != null) {
                    result.completeExceptionally(failure);
                    return;
                  }
                  look();
                  result.complete(taken);
                }));
    return result;
  }

  private void look() {
    Configuration before = current;
    Configuration now = store.configured().configuration();
    if (!now.equals(before)) {
      current = now;
      observer.changed(before, now);
    }
  }
}
