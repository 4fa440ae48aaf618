package io.metafabric.cache;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.record.Key;
import io.metafabric.core.stress.Interleavings;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One flight at a time, unless the key has a new state; nobody is left behind. */
@Tag("stress")
class SingleFlightStressTest {
  private static final Key KEY = Key.of("n/1");

  @Test
  void whoeverComesMeanwhile_sharesTheFlight() {
    Interleavings.ofProgram(
        () -> {
          var flights = new SingleFlight<Integer>();
          var begun = new AtomicInteger();
          var landing = new CompletableFuture<Integer>();
          var results = new CompletableFuture<?>[2];
          together(
              () -> results[0] = fly(flights, begun, landing),
              () -> results[1] = fly(flights, begun, landing),
              () -> landing.complete(7));
          for (CompletableFuture<?> result : results) {
            require(result.isDone() && result.join().equals(7), "left behind");
          }
          require(begun.get() + flights.joined() == 2, "neither begun nor joined");
          require(flights.flights() == 0, "still flying");
        });
  }

  @Test
  void whatBeginsAfterANewState_looksAfterIt() {
    Interleavings.ofProgram(
        () -> {
          var flights = new SingleFlight<Integer>();
          var state = new AtomicInteger(1);
          var results = new CompletableFuture<?>[1];
          together(
              () -> flights.fly(KEY, () -> CompletableFuture.completedFuture(state.get())),
              () -> {
                state.set(2);
                flights.forget(KEY);
                results[0] = flights.fly(KEY, () -> CompletableFuture.completedFuture(state.get()));
              },
              () -> flights.fly(KEY, () -> CompletableFuture.completedFuture(state.get())));
          require(results[0].join().equals(2), "a state from before: " + results[0].join());
          require(!flights.isFlying(KEY), "still flying");
        });
  }

  private static CompletableFuture<Integer> fly(
      SingleFlight<Integer> flights, AtomicInteger begun, CompletableFuture<Integer> landing) {
    return flights.fly(
        KEY,
        () -> {
          begun.incrementAndGet();
          return landing;
        });
  }
}
