package io.metafabric;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.OriginException;
import io.metafabric.core.record.Key;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Questions to the system of record: one caller asks for a key, on its own thread; the others wait
 * for what it gets. Thread-safe.
 */
final class OriginFlights {
  /** Asks the system of record. */
  @FunctionalInterface
  interface Question {
    Optional<Versioned> ask();
  }

  private static final class Flight extends CompletableFuture<Optional<Versioned>> {
    final Thread leader = Thread.currentThread();
  }

  private final Duration timeout;
  private final ConcurrentHashMap<Key, Flight> flights = new ConcurrentHashMap<>();

  /**
   * @param timeout of those who wait for another's question
   */
  OriginFlights(Duration timeout) {
    this.timeout = timeout;
  }

  /**
   * @throws OriginException if the system of record failed, does not answer another caller in time,
   *     or asks for the very key that it is to give
   */
  Optional<Versioned> ask(Key key, Question question) {
    while (true) {
      var mine = new Flight();
      Flight other = flights.putIfAbsent(key, mine);
      if (other == null) {
        return lead(key, question, mine);
      }
      if (other.leader == Thread.currentThread()) {
        throw new OriginException(
            "the system of record read "
                + key
                + " from the fabric while it was asked for it; let it read its own source");
      }
      if (await(other, key)) {
        return other.join();
      }
    }
  }

  /** Forgotten first: whoever is woken by the result and looks again asks anew. */
  private Optional<Versioned> lead(Key key, Question question, Flight mine) {
    try {
      Optional<Versioned> loaded = question.ask();
      flights.remove(key, mine);
      mine.complete(loaded);
      return loaded;
    } catch (RuntimeException | Error e) {
      flights.remove(key, mine);
      mine.completeExceptionally(e);
      throw e;
    }
  }

  /** False if the thread that asked was interrupted, which is its own affair: ask again. */
  private boolean await(Flight loading, Key key) {
    try {
      loading.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      throw new OriginException(
          "the system of record did not answer another caller's question for "
              + key
              + " within "
              + timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FabricException("interrupted while loading " + key, e);
    } catch (ExecutionException e) {
      Throwable failure = e.getCause();
      if (failure != null && failure.getCause() instanceof InterruptedException) {
        return false;
      }
      if (failure instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      throw new FabricException("an unexpected failure: " + failure, failure);
    }
  }

  /** Releases those who wait. Who asks for them is not interrupted, and gets the answer. */
  void close() {
    for (Flight flight : List.copyOf(flights.values())) {
      flight.completeExceptionally(
          new FabricClosedException("the fabric is closed; open a new one"));
    }
  }
}
