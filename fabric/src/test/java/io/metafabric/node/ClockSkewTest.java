package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A region whose clock is an hour ahead. */
class ClockSkewTest {
  private static final Key BEFORE = Key.of("n/before");
  private static final Key AHEAD = Key.of("n/ahead");

  private final SimCluster cluster = new SimCluster(11, 16 << 10, "eu", "us", "ap");
  private final RegionName eu = cluster.regions.get(0);
  private final RegionName us = cluster.regions.get(1);

  private void run(Duration time) {
    cluster.world.runFor(time);
  }

  private void write(RegionName region, Key key, String value) {
    cluster.node(region).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE);
  }

  private void start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(Duration.ofSeconds(5));
  }

  @Test
  void itMayNotWrite_whileMostOfItsPeersDisagree_andTheyMay() {
    start();
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    run(Duration.ofSeconds(2));
    assertThatThrownBy(() -> write(eu, AHEAD, "no"))
        .isInstanceOf(ClockSkewException.class)
        .hasMessageContaining("us=-36");
    write(us, BEFORE, "yes");
    run(Duration.ofSeconds(2));
    assertThat(cluster.node(eu).store().header(BEFORE)).isNotNull();

    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    run(Duration.ofSeconds(2));
    write(eu, AHEAD, "yes");
    run(Duration.ofSeconds(2));
    assertThat(cluster.isConverged()).isTrue();
  }

  /** What it wrote before anybody could tell waits with the others, and their clocks stay right. */
  @Test
  void whatItWroteMeanwhile_isHeld_appliedInTheEnd_andHoldsUpNobodyElse() {
    start();
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    write(eu, AHEAD, "from the future");
    run(Duration.ofSeconds(5));
    assertThat(cluster.node(us).store().header(AHEAD)).isNull();
    assertThat(cluster.node(us).stats().store().held().changes()).isEqualTo(1);
    write(us, BEFORE, "now");
    run(Duration.ofSeconds(5));
    Header now = cluster.node(eu).store().header(BEFORE);
    assertThat(now).isNotNull();
    assertThat(now.version().stamp().wallMs())
        .isLessThan(cluster.machine(us).clock().wallMs() + 60_000);

    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    run(Duration.ofSeconds(2));
    write(eu, Key.of("n/behind"), "waits behind it");
    run(Duration.ofMinutes(1));
    assertThat(cluster.node(us).store().header(Key.of("n/behind"))).isNull();
    run(Duration.ofHours(1));
    cluster.world.runUntil("convergence", cluster::isConverged, Duration.ofMinutes(5));
    assertThat(cluster.node(us).store().header(AHEAD)).isNotNull();
    assertThat(cluster.node(us).stats().store().held().changes()).isZero();
  }
}
