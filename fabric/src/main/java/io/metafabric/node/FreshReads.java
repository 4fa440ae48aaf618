package io.metafabric.node;

import io.metafabric.core.error.StalenessException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Replicator;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads that say how old their answer may be. Answered here as long as what is known here is fresh
 * enough; else all regions are asked how things stand, and home or backup, whichever knows enough,
 * for the key. Thread-safe.
 */
public final class FreshReads {
  /**
   * What a read has come to.
   *
   * @param outcome a value, or that there is none
   * @param version what the answer is of; null if nothing is known of the key
   * @param by the region whose knowledge it is
   * @param ageNanos everything that was acknowledged anywhere so long ago, or longer, is in it
   */
  public record Answer(
      ReadOutcome outcome, @Nullable Header version, RegionName by, long ageNanos) {}

  private static final Duration BETWEEN_TRIES = Duration.ofMillis(50);

  private final RecordStore store;
  private final Replicator replicator;
  private final Clock clock;
  private final Waits waits;
  private final BiFunction<Key, FetchResult, CompletionStage<?>> keep;
  private final BiFunction<@Nullable String, Key, CompletionStage<ReadOutcome>> reader;

  /**
   * @param keep makes what another region gave part of what is known here
   * @param reader reads what is known here
   */
  FreshReads(
      RecordStore store,
      Replicator replicator,
      Clock clock,
      Waits waits,
      BiFunction<Key, FetchResult, CompletionStage<?>> keep,
      BiFunction<@Nullable String, Key, CompletionStage<ReadOutcome>> reader) {
    this.store = store;
    this.replicator = replicator;
    this.clock = clock;
    this.waits = waits;
    this.keep = keep;
    this.reader = reader;
  }

  /**
   * Everything that was acknowledged in any member so many nanoseconds ago, or longer, is known
   * here; empty if that cannot be said.
   */
  public OptionalLong ageNanos() {
    return replicator.freshness().ageNanos();
  }

  /**
   * @return fails with a {@link StalenessException} after {@code timeout}, with an {@link
   *     io.metafabric.core.error.OverloadedException} if too many wait already
   */
  public CompletableFuture<Answer> read(
      @Nullable String client, Key key, Duration maxAge, Duration timeout) {
    var reading = new Reading(client, key, maxAge, timeout);
    waits.add(reading, 0, timeout);
    return reading.answer;
  }

  private final class Reading implements Waits.Attempt {
    final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final @Nullable String client;
    private final Key key;
    private final Duration maxAge;
    private final Duration timeout;
    private volatile boolean asking;
    private boolean tried;
    private long triedNanos;
    private volatile @Nullable String failure;
    private @Nullable Duration best;

    Reading(@Nullable String client, Key key, Duration maxAge, Duration timeout) {
      this.client = client;
      this.key = key;
      this.maxAge = maxAge;
      this.timeout = timeout;
    }

    @Override
    public CompletableFuture<?> ended() {
      return answer;
    }

    @Override
    public void tryNow() {
      if (!asking) {
        attempt();
      }
    }

    @Override
    public void giveUp() {
      String why = failure;
      answer.completeExceptionally(
          new StalenessException(
              key
                  + " cannot be answered within "
                  + timeout
                  + " with what is at most "
                  + maxAge
                  + " old: changes of other regions are here up to so long ago: "
                  + replicator.freshness().describe()
                  + (why == null ? "" : "; " + why),
              Optional.ofNullable(best)));
    }

    private void attempt() {
      long now = clock.nanoTime();
      OptionalLong here = ageNanos();
      best = here.isPresent() ? Duration.ofNanos(here.getAsLong()) : null;
      if (isEnough(here)) {
        if (mayTry(now)) {
          asking = true;
          readHere(store.region(), here.getAsLong(), now);
        }
        return;
      }
      for (RegionName region : replicator.nearestHomes(key)) {
        OptionalLong there = replicator.freshness().ageNanosWith(region, now);
        if (isEnough(there)) {
          if (mayTry(now)) {
            asking = true;
            readFrom(region, there.getAsLong(), now);
          }
          return;
        }
      }
      replicator.freshness().askAll();
    }

    private boolean isEnough(OptionalLong age) {
      return age.isPresent() && age.getAsLong() <= maxAge.toNanos();
    }

    private boolean mayTry(long now) {
      if (tried && now - triedNanos < BETWEEN_TRIES.toNanos()) {
        return false;
      }
      tried = true;
      triedNanos = now;
      return true;
    }

    /**
     * @param ageNanos of what is known here, at {@code sinceNanos}
     */
    private void readHere(RegionName by, long ageNanos, long sinceNanos) {
      reader
          .apply(client, key)
          .whenComplete(
              (outcome, thrown) -> {
                if (thrown != null) {
                  answer.completeExceptionally(thrown);
                } else {
                  read(outcome, by, ageNanos + clock.nanoTime() - sinceNanos);
                }
                wasAnswered();
              });
    }

    private void read(ReadOutcome outcome, RegionName by, long ageNanos) {
      if (outcome instanceof ReadOutcome.Value value) {
        if (ageNanos <= maxAge.toNanos()) {
          answer.complete(new Answer(outcome, value.record().header(), by, ageNanos));
        }
      } else if (outcome instanceof ReadOutcome.Absent) {
        if (ageNanos <= maxAge.toNanos()) {
          answer.complete(new Answer(outcome, store.header(key), by, ageNanos));
        }
      } else {
        failure = "its newest value cannot be had: " + outcome;
      }
    }

    private void readFrom(RegionName region, long ageNanos, long askedNanos) {
      replicator
          .fetchFrom(region, key)
          .thenCompose(this::kept)
          .whenComplete(
              (result, thrown) -> {
                boolean taken =
                    thrown == null
                        && (result instanceof FetchResult.Absent
                            || (result instanceof FetchResult.Found found && isTaken(found)));
                if (taken) {
                  readHere(region, ageNanos, askedNanos);
                } else {
                  failure = region + " has not answered with its value: " + result;
                  wasAnswered();
                }
              });
    }

    private boolean isTaken(FetchResult.Found found) {
      try {
        var dot = found.record().header().version().dot();
        var known = store.read(key);
        return known == null ? store.isApplied(dot) : known.covers(dot);
      } catch (RuntimeException e) {
        return false;
      }
    }

    private CompletionStage<FetchResult> kept(FetchResult result) {
      return result instanceof FetchResult.Found
          ? keep.apply(key, result).thenApply(done -> result)
          : CompletableFuture.completedFuture(result);
    }

    private void wasAnswered() {
      asking = false;
      waits.advanced();
    }
  }
}
