package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A region whose clock is wrong for a while forgets nothing that has not expired. */
class ExpiryByAllClocksTest {
  private static final Duration LIVES = Duration.ofMinutes(30);

  private final SimCluster cluster = new SimCluster(11, 16 << 10, "eu", "us", "ap");
  private final RegionName eu = cluster.regions.get(0);
  private final RegionName us = cluster.regions.get(1);
  private final RegionName ap = cluster.regions.get(2);

  private void start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
  }

  private void write(RegionName region, Key key, String value, Duration timeToLive) {
    long expiresAtMs =
        timeToLive.isZero()
            ? Header.NEVER
            : cluster.machine(region).clock().wallMs() + timeToLive.toMillis();
    var written =
        cluster.node(region).write(key, Bytes.utf8(value), expiresAtMs, Precondition.NONE);
    cluster.world.runUntil("written", written::isDone, Duration.ofMinutes(1));
  }

  private void euIsAnHourAheadFor(Duration time) {
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    cluster.world.runFor(time);
    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    cluster.world.runFor(Duration.ofSeconds(5));
  }

  private String shownIn(RegionName region, Key key) {
    var read = cluster.node(region).read(null, key);
    cluster.world.runUntil("read", read::isDone, Duration.ofMinutes(1));
    return read.join() instanceof ReadOutcome.Value value
        ? value.record().payload().toUtf8()
        : "nothing";
  }

  @Test
  void whatLivesByTheClocksOfOthers_isNotForgotten_norDeletedWithTheNextComparison() {
    start();
    Key key = Key.of("n/lives");
    write(us, key, "v", LIVES);
    cluster.world.runFor(Duration.ofMinutes(1));
    euIsAnHourAheadFor(Duration.ofMinutes(3));
    var compared = cluster.node(eu).compare(ap);
    cluster.world.runUntil("compared", compared::isDone, Duration.ofMinutes(5));
    for (RegionName region : cluster.regions) {
      assertThat(shownIn(region, key)).as(region.toString()).isEqualTo("v");
    }
    cluster.world.runFor(LIVES.plusMinutes(5));
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().header(key)).as("all is forgotten").isNull();
    }
  }

  @Test
  void whatExpiresWhileARegionIsAway_isForgottenOnceItIsBack() {
    start();
    Key key = Key.of("n/expires");
    write(us, key, "v", LIVES);
    cluster.world.runFor(Duration.ofMinutes(1));
    cluster.network.split("ap", "eu");
    cluster.network.split("ap", "us");
    cluster.world.runFor(LIVES.multipliedBy(2));
    assertThat(shownIn(eu, key)).isEqualTo("nothing");
    assertThat(cluster.node(eu).store().header(key)).isNotNull();
    cluster.network.healAll();
    cluster.world.runFor(Duration.ofMinutes(5));
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().header(key)).as(region.toString()).isNull();
    }
  }

  @Test
  void theHomeDoesNotMergeAwayWhatHasExpiredByItsClockAlone() {
    cluster.conflicts =
        new ConflictConfig(
            new ConflictRules(
                Map.of(
                    "n", ConflictRule.merge("longer", (a, b) -> a.length() > b.length() ? a : b))),
            Duration.ofHours(2));
    start();
    Key key =
        IntStream.range(0, 1000)
            .mapToObj(i -> Key.of("n/" + i))
            .filter(each -> cluster.node(eu).homesOf(each).home().equals(eu))
            .findFirst()
            .orElseThrow();
    cluster.network.split("eu", "us");
    cluster.network.split("eu", "ap");
    write(us, key, "longest", LIVES);
    write(ap, key, "x", Duration.ZERO);
    cluster.network.healAll();
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    cluster.world.runFor(Duration.ofMinutes(3));
    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    cluster.world.runFor(Duration.ofMinutes(3));
    for (RegionName region : cluster.regions) {
      assertThat(shownIn(region, key)).as(region.toString()).isEqualTo("longest");
    }
  }
}
