package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class CatchUpTriesTest {
  private final SimWorld world = new SimWorld(1);
  private final List<CompletableFuture<Void>> begun = new ArrayList<>();
  private final List<Long> begunMs = new ArrayList<>();
  private long lackingUpTo = 10;
  private int done;
  private final CatchUpTries tries =
      new CatchUpTries(
          new SimNode(world, "eu").scheduler().serial("loop"),
          Duration.ofSeconds(2),
          this::begin,
          () -> lackingUpTo,
          () -> done++);

  private CompletableFuture<Void> begin() {
    var one = new CompletableFuture<Void>();
    begun.add(one);
    begunMs.add(world.nanoTime() / 1_000_000);
    return one;
  }

  private void failLast() {
    begun.get(begun.size() - 1).completeExceptionally(new IllegalStateException("on purpose"));
    world.runFor(Duration.ofMillis(1));
  }

  private void succeedLast() {
    begun.get(begun.size() - 1).complete(null);
    world.runFor(Duration.ofMillis(1));
  }

  @Test
  void nothingIsTriedForAPeerThatLacksNothing() {
    lackingUpTo = 0;
    tries.connected();
    tries.lacksMore();
    assertThat(begun).isEmpty();
    assertThat(tries.isDone()).isFalse();
  }

  @Test
  void oneTryAtATime_andAgainIfMoreWasLackingMeanwhile() {
    tries.connected();
    lackingUpTo = 20;
    tries.lacksMore();
    assertThat(begun).hasSize(1);
    succeedLast();
    assertThat(done).as("what was found later was not brought").isZero();
    assertThat(begun).hasSize(2);
    succeedLast();
    assertThat(done).isEqualTo(1);
    assertThat(tries.isDone()).isTrue();
    lackingUpTo = 30;
    tries.lacksMore();
    assertThat(tries.isDone()).isFalse();
    assertThat(begun).hasSize(3);
  }

  @Test
  void aTryThatFails_isRepeatedEverMoreSeldom_evenIfMoreIsFoundToBeLacking() {
    tries.connected();
    var pausesSeconds = new ArrayList<Long>();
    while (begun.size() < 9) {
      int before = begun.size();
      failLast();
      long failedMs = world.nanoTime() / 1_000_000;
      lackingUpTo++;
      tries.lacksMore();
      world.runUntil(() -> begun.size() > before, Duration.ofMinutes(5));
      pausesSeconds.add((begunMs.get(before) - failedMs + 1) / 1000);
    }
    assertThat(pausesSeconds).containsExactly(2L, 4L, 8L, 16L, 32L, 64L, 64L, 64L);
    succeedLast();
    assertThat(done).isEqualTo(1);
  }

  @Test
  void aNewConnection_beginsAtOnce_andForgetsWhatWasTriedOnTheOldOne() {
    tries.connected();
    failLast();
    tries.disconnected();
    world.runFor(Duration.ofMinutes(5));
    assertThat(begun).hasSize(1);
    tries.connected();
    assertThat(begun).hasSize(2);
    tries.disconnected();
    tries.connected();
    begun.get(1).complete(null);
    world.runFor(Duration.ofMillis(1));
    assertThat(done).as("that was on the connection before").isZero();
    succeedLast();
    assertThat(done).isEqualTo(1);
  }
}
