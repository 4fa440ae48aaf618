package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class SeldomTest {
  private final SimWorld world = new SimWorld(1);
  private final Seldom seldom = new Seldom(new SimNode(world, "eu").clock(), Duration.ofMinutes(1));

  @Test
  void theFirstIsSaid_andThenOneAMinute_withHowManyWereNot() {
    assertThat(seldom.next("a")).isEqualTo(OptionalLong.of(0));
    for (int i = 0; i < 59; i++) {
      world.runFor(Duration.ofSeconds(1));
      assertThat(seldom.next("a")).isEmpty();
    }
    assertThat(seldom.next("b")).as("of something else").isEqualTo(OptionalLong.of(0));
    world.runFor(Duration.ofSeconds(1));
    assertThat(seldom.next("a")).isEqualTo(OptionalLong.of(59));
    assertThat(seldom.next("a")).isEmpty();
    world.runFor(Duration.ofMinutes(1));
    assertThat(seldom.next("a")).isEqualTo(OptionalLong.of(1));
  }
}
