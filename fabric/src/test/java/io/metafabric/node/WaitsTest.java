package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

class WaitsTest {
  private static final Duration LONG = Duration.ofSeconds(5);

  private final SimWorld world = new SimWorld(1);
  private final SimNode node = new SimNode(world, "eu");
  private final SerialExecutor loop = node.scheduler().serial("loop");
  private final Waits waits = new Waits(loop, node.clock());
  private boolean isKnown;
  private int tries;

  private class Caller implements Waits.Attempt {
    final CompletableFuture<String> ended = new CompletableFuture<>();

    @Override
    public CompletableFuture<?> ended() {
      return ended;
    }

    @Override
    public void tryNow() {
      tries++;
      if (isKnown) {
        ended.complete("known");
      }
    }

    @Override
    public void giveUp() {
      ended.completeExceptionally(new TimeoutException());
    }
  }

  private Caller add(long named) {
    var caller = new Caller();
    waits.add(caller, named, LONG);
    return caller;
  }

  private Throwable failureOf(Caller caller) {
    return caller.ended.handle((done, failure) -> failure).join();
  }

  @Test
  void whatComes_isWhatTheyWaitFor_andTheirRoomIsGivenBack() {
    Caller caller = add(1000);
    world.runFor(Duration.ofSeconds(1));
    assertThat(caller.ended).isNotDone();
    assertThat(waits.estimatedBytes()).isGreaterThan(1000);

    isKnown = true;
    waits.advanced();
    world.runFor(Duration.ofMillis(1));
    assertThat(caller.ended).isCompletedWithValue("known");
    assertThat(waits.estimatedBytes()).isZero();
  }

  @Test
  void afterTheirTime_theyGiveUp() {
    Caller caller = add(0);
    world.runFor(LONG.plusMillis(1));
    assertThat(failureOf(caller)).isInstanceOf(TimeoutException.class);
    assertThat(waits.estimatedBytes()).isZero();
  }

  @Test
  void aCallerWhoHasGone_isTriedForNoMore() {
    Caller caller = add(0);
    world.runFor(Duration.ofSeconds(1));
    caller.ended.cancel(false);
    int before = tries;
    waits.advanced();
    world.runFor(LONG.multipliedBy(2));
    assertThat(tries).isEqualTo(before);
    assertThat(waits.estimatedBytes()).isZero();
  }

  @Test
  void whoIsTooMany_isRefused_andTheOthersAreNoneTheWorse() {
    var callers = new ArrayList<Caller>();
    long refused = 0;
    for (int i = 0; i < 20; i++) {
      callers.add(add(1 << 20));
    }
    world.runFor(Duration.ofSeconds(1));
    assertThat(waits.estimatedBytes()).isLessThanOrEqualTo(Waits.MAX_BYTES);
    assertThat(waits.stats()).isEqualTo(new WaitStats(15, 5));
    isKnown = true;
    waits.advanced();
    world.runFor(Duration.ofSeconds(1));
    for (Caller caller : callers) {
      if (caller.ended.isCompletedExceptionally()) {
        refused++;
        assertThat(failureOf(caller))
            .isInstanceOf(OverloadedException.class)
            .hasMessageContaining("wait for other regions");
      } else {
        assertThat(caller.ended).isCompletedWithValue("known");
      }
    }
    assertThat(refused).isEqualTo(5);
    assertThat(waits.estimatedBytes()).isZero();
    assertThat(waits.stats()).isEqualTo(new WaitStats(0, 5));
    assertThat(add(1 << 20).ended).isNotDone();
  }

  @Test
  void whatOneThrows_isToldToItAlone_andTheOthersGoOnWaiting() {
    Caller before = add(0);
    var broken =
        new Caller() {
          @Override
          public void tryNow() {
            if (isKnown) {
              throw new IllegalStateException("cannot be read");
            }
          }
        };
    waits.add(broken, 0, LONG);
    Caller behind = add(0);
    world.runFor(Duration.ofSeconds(1));

    isKnown = true;
    waits.advanced();
    world.runFor(Duration.ofMillis(1));
    assertThat(failureOf(broken)).hasMessage("cannot be read");
    assertThat(before.ended).isCompletedWithValue("known");
    assertThat(behind.ended).isCompletedWithValue("known");
    assertThat(waits.estimatedBytes()).isZero();
  }

  @Test
  void theEnd_isTheirEndToo() {
    Caller caller = add(0);
    world.runFor(Duration.ofSeconds(1));
    loop.close();
    waits.close();
    assertThat(failureOf(caller)).isInstanceOf(FabricClosedException.class);
    assertThat(waits.estimatedBytes()).isZero();
  }

  @Test
  void whoComesWhileAllEnds_orAfterIt_doesNotWaitForEver() {
    Caller notBegun = add(0);
    loop.close();
    waits.close();
    Caller late = add(0);
    world.runFor(LONG.multipliedBy(2));
    assertThat(failureOf(notBegun)).isInstanceOf(FabricClosedException.class);
    assertThat(failureOf(late)).isInstanceOf(FabricClosedException.class);
    assertThat(waits.estimatedBytes()).isZero();
    assertThat(waits.stats()).isEqualTo(new WaitStats(0, 0));
  }
}
