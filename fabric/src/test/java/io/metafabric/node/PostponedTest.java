package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import java.time.Duration;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class PostponedTest {
  private static final Key A = Key.of("n/a");
  private static final Key B = Key.of("n/b");

  private final SimWorld world = new SimWorld(1);
  private final Postponed postponed =
      new Postponed(new SimNode(world, "eu").clock(), Duration.ofSeconds(2), 4, 2);

  @Test
  void eachFailureDoublesThePause_upToABound() {
    var dueSeconds = new ArrayList<Integer>();
    postponed.failed(A);
    for (int second = 1; second <= 130; second++) {
      world.runFor(Duration.ofSeconds(1));
      if (!postponed.takeDue().isEmpty()) {
        dueSeconds.add(second);
        assertThat(postponed.isWaiting(A)).isFalse();
        assertThat(postponed.isAnyWaiting()).isFalse();
        postponed.failed(A);
        assertThat(postponed.isWaiting(A)).isTrue();
      }
    }
    assertThat(dueSeconds).containsExactly(2, 6, 14, 30, 62, 94, 126);
  }

  @Test
  void whatIsDone_isForgotten_andBeginsAnew() {
    postponed.failed(A);
    postponed.failed(A);
    postponed.done(A);
    assertThat(postponed.isAnyWaiting()).isFalse();
    postponed.failed(A);
    world.runFor(Duration.ofSeconds(2));
    assertThat(postponed.takeDue()).containsExactly(A);
    assertThat(postponed.takeDue()).as("told of once").isEmpty();
  }

  @Test
  void whatIsTooMuch_isRefused() {
    assertThat(postponed.failed(A)).isTrue();
    assertThat(postponed.failed(B)).isTrue();
    assertThat(postponed.failed(Key.of("n/c"))).isFalse();
    assertThat(postponed.failed(B)).isTrue();
    assertThat(postponed.isAnyWaiting()).isTrue();
  }
}
