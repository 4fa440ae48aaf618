package io.metafabric.node;

import io.metafabric.core.place.Homes;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.migrate.MovedHomes;
import io.metafabric.replicate.HomeMoves;
import io.metafabric.replicate.Replicator;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Moves the homes of keys. Only the present home commits a move, in its own journal and synced,
 * after the next home has the record durably; it becomes the backup. Reads and writes go on
 * meanwhile: nobody waits for a home to write, and whoever has an older view asks the backup.
 *
 * <p>Belongs to the loop.
 */
final class HomeMover implements HomeMoves {
  /** A home moves less often than that in one configuration. */
  private static final int CONFIGURATION_SHIFT = 32;

  private final RegionName region;
  private final MovedHomes homes;
  private final RecordStore store;
  private final Replicator replicator;
  private final SerialExecutor loop;
  private final Clock clock;
  private final Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader;
  private final Set<Key> moving = new HashSet<>();

  /**
   * @param reader completes with the record, payload included, from wherever it is; with null if
   *     there is no value, or nobody has it
   */
  HomeMover(
      RegionName region,
      MovedHomes homes,
      RecordStore store,
      Replicator replicator,
      SerialExecutor loop,
      Clock clock,
      Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader) {
    this.region = region;
    this.homes = homes;
    this.store = store;
    this.replicator = replicator;
    this.loop = loop;
    this.clock = clock;
    this.reader = reader;
  }

  /** Makes {@code to} the home, wherever the present one is. Any thread. */
  CompletableFuture<Result> move(Key key, RegionName to) {
    var result = new CompletableFuture<Result>();
    loop.execute(
        () -> {
          RegionName home = homes.homesOf(key).home();
          CompletableFuture<Result> moved =
              home.equals(region) ? moveFromHere(key, to) : replicator.askToMove(home, key, to);
          moved.whenComplete((done, failure) -> result.complete(resultOf(done, failure)));
        });
    return result;
  }

  private static Result resultOf(@Nullable Result done, @Nullable Throwable failure) {
    return done != null ? done : new Result(MoveOutcome.REFUSED, "it failed: " + failure);
  }

  @Override
  public CompletableFuture<Result> moveFromHere(Key key, RegionName to) {
    MovedHomes.Moved now = homes.of(key);
    if (!now.homes().home().equals(region)) {
      return ended(
          MoveOutcome.NOT_HOME,
          "the home of " + key + " is " + now.homes().home() + ", not " + region);
    }
    if (to.equals(region)) {
      return CompletableFuture.completedFuture(Result.DONE);
    }
    if (!replicator.isPeer(to)) {
      return ended(
          MoveOutcome.REFUSED, "region " + to + " is not a peer of " + region + ", or was evicted");
    }
    if (!replicator.answersFor(key) || !replicator.knowsItsOwnForSure()) {
      return ended(
          MoveOutcome.REFUSED,
          "region "
              + region
              + " has not heard from all members, or not compared its records with them, since it was"
              + " opened");
    }
    if (store.systemBytes() > StoreConfig.MAX_SYSTEM_BYTES) {
      return ended(
          MoveOutcome.REFUSED,
          "region " + region + " knows as many moved homes as it has memory for");
    }
    if (!moving.add(key)) {
      return ended(MoveOutcome.REFUSED, "the home of " + key + " is being moved already");
    }
    MetadataRecord before = store.systemRecord(MovedHomes.recordOf(key));
    Dot seen = before == null ? null : before.header().version().dot();
    CompletableFuture<Result> moved =
        reader
            .apply(key)
            .thenCompose(record -> handOver(key, record, to))
            .thenCompose(held -> commit(key, to, epochBehind(now.epoch()), seen, held));
    moved.whenComplete((done, failure) -> loop.execute(() -> moving.remove(key)));
    return moved;
  }

  /** Of an evicted home that does not know it, and who stands in for it, the latter wins. */
  private long epochBehind(long epoch) {
    return Math.max(epoch + 1, replicator.configuration().epoch() << CONFIGURATION_SHIFT);
  }

  private CompletableFuture<Result> handOver(
      Key key, @Nullable MetadataRecord record, RegionName to) {
    if (record == null || record.visibleAt(clock.wallMs()) == null) {
      return ended(MoveOutcome.NOT_FOUND, "there is no value of " + key + " whose home could move");
    }
    return replicator.askToHold(to, record);
  }

  private CompletableFuture<Result> commit(
      Key key, RegionName to, long epoch, @Nullable Dot seen, Result held) {
    if (held.outcome() != MoveOutcome.DONE) {
      return CompletableFuture.completedFuture(held);
    }
    var next = new MovedHomes.Moved(new Homes(to, region), epoch);
    return store
        .writeSystem(
            MovedHomes.recordOf(key), MovedHomes.payloadOf(next), MovedHomes.stampOf(epoch), seen)
        .thenApply(
            written ->
                written == null
                    ? new Result(MoveOutcome.REFUSED, "the home of " + key + " was moved meanwhile")
                    : Result.DONE);
  }

  private static CompletableFuture<Result> ended(MoveOutcome outcome, String message) {
    return CompletableFuture.completedFuture(new Result(outcome, message));
  }

  @Override
  public CompletableFuture<Result> hold(MetadataRecord record) {
    if (store.isTooFarAhead(record)) {
      return ended(
          MoveOutcome.REFUSED, String.valueOf(store.tooFarAhead(record.key()).getMessage()));
    }
    // Joined with what is known; a newer state that is known already is as good.
    return store
        .applyOne(new Inbound(record, true))
        .thenCompose(
            news ->
                news
                    ? CompletableFuture.completedFuture(true)
                    : store.keep(record).thenApply(kept -> true))
        .thenApply(held -> Result.DONE);
  }
}
