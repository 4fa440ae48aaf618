package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.stress.Interleavings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every call is answered, whatever the host's code does to the thread that runs it. */
@Tag("stress")
class ForeignThreadStressTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  /** A watchdog of the host's own may come late, when the thread waits for the next call. */
  @Test
  void aCallThatMeetsAnInterrupt_isAnswered() throws Exception {
    int rounds = Interleavings.times(600);
    try (var foreign = new ForeignThread("test")) {
      for (int round = 0; round < rounds; round++) {
        Thread caller = foreign.call(Thread::currentThread, LONG).get(20, TimeUnit.SECONDS);
        var answer = new AtomicReference<CompletableFuture<String>>();
        Interleavings.race(
            caller::interrupt,
            () -> {
              for (int spin = 0; spin < 50; spin++) {
                Thread.onSpinWait();
              }
              answer.set(foreign.call(() -> "answer", LONG));
            });
        assertThat(answer.get())
            .as("round %d", round)
            .succeedsWithin(20, TimeUnit.SECONDS)
            .isEqualTo("answer");
      }
    }
  }

  @Test
  void callsBesideEachOther_runOneAtATime_andAreAllAnswered() {
    int rounds = Interleavings.times(20);
    for (int round = 0; round < rounds; round++) {
      var within = new AtomicInteger();
      var overlaps = new AtomicInteger();
      try (var foreign = new ForeignThread("test")) {
        List<Interleavings.Part> parts = new ArrayList<>();
        for (int thread = 0; thread < 3; thread++) {
          parts.add(
              () -> {
                for (int i = 0; i < 50; i++) {
                  foreign
                      .call(
                          () -> {
                            overlaps.addAndGet(within.getAndIncrement());
                            Thread.yield();
                            return within.decrementAndGet();
                          },
                          LONG)
                      .get(30, TimeUnit.SECONDS);
                }
              });
        }
        Interleavings.race(parts.toArray(new Interleavings.Part[0]));
      }
      assertThat(overlaps).as("round %d: two at once", round).hasValue(0);
    }
  }

  @Test
  void aCallThatMeetsTheEnd_isAnsweredOrRefused() {
    int rounds = Interleavings.times(100);
    for (int round = 0; round < rounds; round++) {
      var foreign = new ForeignThread("test");
      var answer = new AtomicReference<CompletableFuture<String>>();
      Interleavings.race(() -> answer.set(foreign.call(() -> "answer", LONG)), foreign::close);
      assertThat(answer.get().handle((value, failure) -> "told"))
          .as("round %d", round)
          .succeedsWithin(20, TimeUnit.SECONDS);
    }
  }
}
