package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Payloads that are foreseen, and of which the hot tier takes none. */
class PrefetchedInVainTest {
  private static final RegionName HOME = new RegionName("eu");
  private static final RegionName READER = new RegionName("me");
  private static final int RECORDS = 20;
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final SimCluster cluster = new SimCluster(12, 4 << 20, "eu", "me", "us");

  @Test
  void whatIsTooLargeForTheHotTier_countsAsWasted() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(10)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    int tooLarge = (int) cluster.hotTierBytes / 8;
    List<Key> keys = new ArrayList<>();
    for (int i = 0; keys.size() < RECORDS; i++) {
      Key key = Key.of("n/" + i);
      var homes = cluster.node(HOME).homesOf(key);
      if (homes.home().equals(HOME) && !homes.include(READER)) {
        keys.add(key);
        cluster
            .node(HOME)
            .write(key, Bytes.copyOf(new byte[tooLarge]), Header.NEVER, Precondition.NONE);
      }
    }
    FabricNode<?> reader = cluster.node(READER);
    cluster.world.runUntil(
        "the headers are known",
        () -> keys.stream().allMatch(key -> reader.store().header(key) != null),
        PATIENCE);

    for (int round = 0; round < 40; round++) {
      for (Key key : keys) {
        var read = reader.read("c", key);
        cluster.world.runUntil("a read", read::isDone, PATIENCE);
        assertThat(read.join()).isInstanceOf(ReadOutcome.Value.class);
        cluster.world.runFor(Duration.ofMillis(50));
      }
    }
    cluster.world.runFor(Duration.ofSeconds(5));

    PrefetchStats stats = reader.stats().prefetch();
    assertThat(stats.arrived()).isPositive();
    assertThat(stats.used() + stats.wasted()).isEqualTo(stats.arrived());
    assertThat(stats.arrived()).as("before it is found out").isLessThan(200);
  }
}
