package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SystemClockTest {
  @Test
  void itIsTheMachinesClock() {
    var clock = new SystemClock();
    long wall = System.currentTimeMillis();
    long nanos = System.nanoTime();

    assertThat(clock.wallMs()).isBetween(wall, wall + 60_000);
    assertThat(clock.nanoTime() - nanos).isBetween(0L, 60_000_000_000L);
  }
}
