package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A node that is closed and opened again prefetches from the first reads on. */
class LearnedOverRestartTest {
  private static final int KEYS = 60;

  private final SimCluster cluster = new SimCluster(1, 4 << 20, "paris", "tokyo", "lima");
  private final RegionName reader = new RegionName("lima");
  private final List<Key> keys = new ArrayList<>();

  /** Records that the reader holds no copies of, read in one order again and again. */
  private void learn() {
    cluster.hotTierBytes = 16 << 10;
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    for (int i = 0; keys.size() < KEYS; i++) {
      Key key = Key.of("n/" + i);
      if (!cluster.node(reader).homesOf(key).include(reader)) {
        keys.add(key);
        SimReads.write(cluster, cluster.regions.get(0), key, "x".repeat(600));
      }
    }
    cluster.world.runUntil("headers", cluster::isConverged, Duration.ofMinutes(1));
    for (int round = 0; round < 25; round++) {
      readAll(KEYS);
    }
  }

  private void readAll(int first) {
    for (Key key : keys.subList(0, first)) {
      assertThat(SimReads.read(cluster, reader, key)).startsWith("x");
      cluster.world.runFor(Duration.ofMillis(200));
    }
  }

  private long usedOfTheFirstReads() {
    cluster.world.runFor(Duration.ofSeconds(5));
    readAll(10);
    return cluster.node(reader).stats().prefetch().used();
  }

  @Test
  void afterAnOrderlyStop() {
    learn();
    assertThat(cluster.node(reader).stats().prefetch().used()).isPositive();
    cluster.stop(reader);
    cluster.start(reader);
    assertThat(usedOfTheFirstReads()).isGreaterThan(5);
  }

  @Test
  void afterACrash_fromWhatWasSavedMeanwhile() {
    learn();
    cluster.world.runFor(Duration.ofMinutes(6));
    cluster.crash(reader, SimDisk.Loss.ALL);
    cluster.start(reader);
    assertThat(usedOfTheFirstReads()).isGreaterThan(5);
  }

  @Test
  void afterDamage_itLearnsAnew() {
    learn();
    cluster.stop(reader);
    SimDisk disk = cluster.machine(reader).disk();
    List<String> files =
        disk.files().stream().filter(name -> name.startsWith("foresight.")).toList();
    assertThat(files).hasSize(1);
    disk.damage(files.get(0), disk.contentOf(files.get(0)).length / 2);
    cluster.start(reader);
    assertThat(usedOfTheFirstReads()).isZero();
    assertThat(disk.files()).doesNotContain(files.get(0));
    for (int round = 0; round < 25; round++) {
      readAll(KEYS);
    }
    assertThat(cluster.node(reader).stats().prefetch().used()).isPositive();
  }
}
