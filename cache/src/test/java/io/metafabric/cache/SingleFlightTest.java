package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SingleFlightTest {
  static final Key KEY = Key.of("n/1");

  final SingleFlight<String> flights = new SingleFlight<>();

  @Test
  void whoeverComesMeanwhile_sharesTheFlight() {
    var started = new AtomicInteger();
    var source = new CompletableFuture<String>();
    List<CompletableFuture<String>> all = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      all.add(
          flights.fly(
              KEY,
              () -> {
                started.incrementAndGet();
                return source;
              }));
    }
    assertThat(started).hasValue(1);
    assertThat(flights.joined()).isEqualTo(4);
    source.complete("value");
    assertThat(all).allSatisfy(each -> assertThat(each).isCompletedWithValue("value"));
    assertThat(flights.flights()).isZero();
  }

  @Test
  void aFailure_reachesAll_andTheNextBeginsAfresh() {
    var source = new CompletableFuture<String>();
    var first = flights.fly(KEY, () -> source);
    var second = flights.fly(KEY, () -> source);
    source.completeExceptionally(new IllegalStateException("down"));
    assertThat(first).isCompletedExceptionally();
    assertThat(second).isCompletedExceptionally();
    assertThat(flights.fly(KEY, () -> CompletableFuture.completedFuture("up")))
        .isCompletedWithValue("up");
  }

  @Test
  void aLeaderThatThrows_leavesNoFlightBehind() {
    var failed =
        flights.fly(
            KEY,
            () -> {
              throw new IllegalStateException("at once");
            });
    assertThat(failed).isCompletedExceptionally();
    assertThat(flights.isFlying(KEY)).isFalse();
  }

  @Test
  void aReaderWhoGivesUp_doesNotEndTheOthersFlight() {
    var source = new CompletableFuture<String>();
    var impatient = flights.fly(KEY, () -> source);
    var patient = flights.fly(KEY, () -> source);
    impatient.cancel(true);
    source.complete("value");
    assertThat(patient).isCompletedWithValue("value");
  }
}
