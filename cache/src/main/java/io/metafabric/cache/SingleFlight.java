package io.metafabric.cache;

import io.metafabric.core.record.Key;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * At most one look-up per key and state at a time; whoever comes meanwhile shares its result.
 * Thread-safe.
 */
public final class SingleFlight<T> {
  private final ConcurrentHashMap<Key, CompletableFuture<T>> flights = new ConcurrentHashMap<>();
  private final LongAdder joined = new LongAdder();

  /**
   * Begins a flight, or joins the one that is under way.
   *
   * @param leader starts the look-up, on the caller's thread, without any lock held
   * @return a future of the caller's own: cancelling it touches nobody else
   */
  public CompletableFuture<T> fly(Key key, Supplier<CompletionStage<T>> leader) {
    var mine = new CompletableFuture<T>();
    CompletableFuture<T> other = flights.putIfAbsent(key, mine);
    if (other != null) {
      joined.increment();
      return other.copy();
    }
    try {
      leader.get().whenComplete((value, failure) -> land(key, mine, value, failure));
    } catch (RuntimeException | Error e) {
      land(key, mine, null, e);
    }
    return mine.copy();
  }

  /** Forgotten first: whoever is woken by the result and looks again begins a new flight. */
  private void land(
      Key key, CompletableFuture<T> flight, @Nullable T value, @Nullable Throwable failure) {
    flights.remove(key, flight);
    if (failure != null) {
      flight.completeExceptionally(failure);
    } else {
      flight.complete(value);
    }
  }

  /**
   * The key has a new state: whoever comes from now on begins a new flight, because the one under
   * way may have looked before. Those who are on it get what it finds.
   */
  public void forget(Key key) {
    flights.remove(key);
  }

  public boolean isFlying(Key key) {
    return flights.containsKey(key);
  }

  public int flights() {
    return flights.size();
  }

  /** How often a caller found a flight under way. */
  public long joined() {
    return joined.sum();
  }
}
